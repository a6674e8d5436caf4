/* The bridge to Lua: nothing raises past it. Every lua_* call that can raise runs under lua_pcall in C, and every
 * breach ends the process: the trap frame is written on the socket and the process exits (lua-sandbox.md B.1, C). */
#pragma once
#include <stddef.h>
#include <stdint.h>

#if __has_attribute(noreturn)
#define CLB_NORETURN __attribute__((noreturn))
#endif

/* One Lua state with its budgets. */
typedef struct clb_state clb_state;

/* What Swift gives: called from within Lua, and returned from before anything can raise. */
typedef struct clb_host {
    void *context;
    /* A host function was called: row, arguments as an encoded list, the script's line. Answers by clb_set_reply. */
    void (*call)(void *context, uint32_t row, const uint8_t *arguments, size_t count, uint32_t line);
    /* The script printed a line. */
    void (*log)(void *context, const uint8_t *text, size_t count, uint32_t line);
    /* try() ends the verb: status and an encoded value. Does not return. */
    void (*finish)(void *context, const uint8_t *status, size_t status_count, const uint8_t *value, size_t count);
    /* An error that nobody caught: its text without the position, at most 2 KiB. Does not return. */
    void (*error)(void *context, const uint8_t *text, size_t count);
    /* A handle's block was left: the program ends unless it was kept, and the handle is closed. */
    void (*release)(void *context, uint32_t index, uint32_t generation, uint32_t line);
    /* host has no such name here: the text after "host.". Does not return. */
    void (*missing)(void *context, const uint8_t *name, size_t count);
} clb_host;

/* Exit codes of the process. */
enum { CLB_EXIT_TRAP = 3, CLB_EXIT_PANIC = 70 };

/* Makes a state; NULL when there is no memory for it. `descriptor` is the socket on which a trap is written. */
clb_state *clb_open(size_t memory, int64_t instructions, int descriptor, clb_host host);
void clb_close(clb_state *s);

/* Names for messages; the bytes are copied and cut. */
void clb_set_file(clb_state *s, const uint8_t *name, size_t count);
void clb_set_subject(clb_state *s, const uint8_t *text, size_t count);

/* A module that the script may require; copied. Before clb_load. */
void clb_add_library(clb_state *s, const uint8_t *name, size_t name_count, const uint8_t *source, size_t count);

/* The line that the next trap is about when no code runs: of a field that is wrong. 0: none. */
void clb_set_line(clb_state *s, int line);

/* Loads and runs the script's text; traps unless it returned a plain table. The encoded descriptor is then in
 * clb_output, its functions encoded as the handle of index and generation 0xFFFFFFFF. */
void clb_load(clb_state *s, const uint8_t *source, size_t count);

/* Makes `host` with one function, such as "workload.start", known by its row; `record`: it takes one table. A name
 * without a dot makes the module alone. */
void clb_bind(clb_state *s, const uint8_t *name, size_t count, uint32_t row, int record);

/* From now on the file is one of tests: it has the global `test`, clb_load leaves a list of { name, line }, clb_run takes
 * a test's number as its verb and the handle t as its actor, and handles have methods. Before clb_load. */
void clb_set_tests(clb_state *s);

/* Makes a method of all handles whose generation is that, or a property: a call without arguments of its own. */
void clb_bind_method(clb_state *s, const uint8_t *kind, size_t kind_count, const uint8_t *name, size_t name_count,
                     uint32_t generation, uint32_t row, int property);

/* What the next clb_load or clb_run may spend; processor milliseconds only while loading, 0 for no such limit. */
void clb_limit(clb_state *s, size_t memory, int64_t instructions, int64_t load_milliseconds);

/* Runs a verb; traps unless it answered a status. The status is in clb_status, the encoded result in clb_output. */
void clb_run(clb_state *s, const uint8_t *verb, size_t verb_count, const uint8_t *actor, size_t actor_count,
             const uint8_t *request, size_t request_count);

/* What the last clb_load or clb_run left; valid until the next call. */
const uint8_t *clb_output(const clb_state *s, size_t *count);
const uint8_t *clb_status(const clb_state *s, size_t *count);

/* From within `call`: the reply's status and its values as an encoded list; copied. Without a status, none is pushed. */
void clb_set_reply(clb_state *s, const uint8_t *status, size_t status_count, const uint8_t *values, size_t count);

/* One line of a trap's text; empty ones are left out. */
typedef struct clb_text {
    const uint8_t *bytes;
    size_t count;
} clb_text;

/* Writes the trap with the script's position and ends the process. */
CLB_NORETURN void clb_trap(clb_state *s, clb_text code, clb_text message, clb_text expected, clb_text got,
                           clb_text mend, clb_text function);
