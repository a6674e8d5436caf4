#pragma once
#include "CLuaBridge.h"
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    GRAIN = 1000,
    MAX_SOURCE = 64 << 10,
    MAX_FRAME = (2 << 20) + (64 << 10),
    MAX_LOG = 1 << 20,
    MAX_LINE = 16 << 10,
    MAX_DEPTH = 32,
    MAX_NODES = 10000,
    MAX_WORK = 1 << 24,
    MAX_TRAP = 4096,
};

typedef struct buffer {
    uint8_t *bytes;
    size_t count, capacity;
} buffer;

struct clb_state {
    lua_State *L;
    clb_host host;
    int descriptor;
    size_t memory, memory_used;
    int64_t instructions, instructions_left;
    size_t logged;
    int closing;
    int loading;
    int tests; /* whether the file holds tests */
    int last_line;
    int64_t load_milliseconds, load_nanoseconds; /* of processor time, and when they are over; 0 for no limit */
    char file[128], subject[256], verb[32];
    uint8_t *source;
    size_t source_count;
    struct clb_library *libraries, *last_library; /* last_line is a line of last_library, or of the script */
    buffer output, status, reply, reply_status;
};

static inline clb_state *state_of(lua_State *L) { return *(clb_state **)lua_getextraspace(L); }

/* state.c */
void clb_hook(lua_State *L, lua_Debug *ar);
uint32_t clb_line(lua_State *L);
/* Work in C code that the hook cannot see: units of a byte or an element, 16 to an instruction. */
void clb_charge(clb_state *s, uint64_t units);
/* trap.c: a trap with printf texts; NULL leaves a line out. */
CLB_NORETURN void trapf(clb_state *s, const char *code, const char *expected, const char *mend, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* A budget of time is spent: shows the loop that spent it. */
CLB_NORETURN void clb_spinning(clb_state *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
CLB_NORETURN void clb_no_memory(clb_state *s);
int clb_handler(lua_State *L);
int clb_valid_text(const uint8_t *p, size_t n);

/* value.c */
enum { ENCODE_ARGUMENTS, ENCODE_DESCRIPTOR, ENCODE_RESULT };
void buffer_put(clb_state *s, buffer *b, const void *bytes, size_t count);
void buffer_put32(clb_state *s, buffer *b, uint32_t n);
/* The arguments from the stack's bottom; `name` for messages, `record` when the function takes one table. */
void clb_encode_arguments(lua_State *L, buffer *out, const char *name, int record);
void clb_encode_one(lua_State *L, buffer *out, int index, int mode);
/* Pushes the decoded value; `kind` names the strict table it is, or NULL. */
void clb_decode(lua_State *L, const uint8_t *bytes, size_t count, const char *kind);
/* Pushes each element of an encoded list; answers how many. */
int clb_decode_list(lua_State *L, const uint8_t *bytes, size_t count);
void clb_make_handles(lua_State *L);
int clb_is_locked(lua_State *L, int index);
/* The handle at the index, or NULL: nothing of a script's own can pass for one. */
const uint32_t *clb_handle(lua_State *L, int index);

/* strict.c */
void clb_make_strict(lua_State *L, const char *kind);
const char *clb_strict_child(const char *kind, const char *key, size_t count);

/* library.c, strings.c, tables.c */
void clb_make_environment(lua_State *L);
void clb_strings(lua_State *L);
void clb_tables(lua_State *L);
void clb_tostring(lua_State *L, int index);
void clb_view(lua_State *L, const char *name);

/* json.c, json_read.c */
enum { MAX_JSON = 1 << 20 };
void clb_json(lua_State *L);
int clb_json_decode(lua_State *L);
/* Marks the metatable of a table that is an object though it is empty; and json.null itself. */
extern const char clb_key_object, clb_key_null;

/* require.c */
int clb_require(lua_State *L);
void clb_free_libraries(clb_state *s);
/* The module whose chunk has that name, such as "=lib/x.lua"; NULL for the script itself. */
struct clb_library *clb_library_of(clb_state *s, const char *chunk);
uint32_t clb_library_number(const struct clb_library *library);
const char *clb_library_name(const struct clb_library *library);
const uint8_t *clb_library_source(const struct clb_library *library, size_t *count);

/* host.c */
void clb_make_host(lua_State *L);
int clb_host_call(lua_State *L);
int clb_try(lua_State *L);
/* tests.c: leaves a table of the names, and of the positions under args, on the stack. */
void clb_split_mixed(lua_State *L, int index);
extern const char clb_key_tests, clb_key_methods;
extern const char clb_key_host, clb_key_descriptor, clb_key_handle, clb_key_locked;
