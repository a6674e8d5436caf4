#include "internal.h"
#include <time.h>

/* Of this process: a loading that waits for a busy machine is not charged for it. */
static int64_t processor_nanoseconds(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)) return 0;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Counts what Lua asks for, not what libc rounds to. Never answers NULL to a growth: an emergency collection in this
 * version of the library can corrupt its heap (lua-sandbox.md A.1). */
static void *allocate(void *context, void *old, size_t old_size, size_t size) {
    clb_state *s = context;
    if (!old) old_size = 0;
    if (size == 0) {
        free(old);
        s->memory_used -= old_size;
        return NULL;
    }
    if (size > old_size && size - old_size > s->memory - s->memory_used) clb_no_memory(s);
    void *fresh = realloc(old, size);
    if (!fresh) {
        if (size <= old_size) return old;
        clb_no_memory(s);
    }
    s->memory_used += size - old_size;
    return fresh;
}

static int panic(lua_State *L) {
    (void)L;
    static const char words[] = "panic: unprotected error\n";
    ssize_t ignored = write(2, words, sizeof words - 1);
    (void)ignored;
    _exit(CLB_EXIT_PANIC);
}

static void spent(clb_state *s) {
    const char *when = s->loading ? "while the file loads" : "in this verb";
    if (s->instructions % 1000000 == 0) {
        clb_spinning(s, "%lld million instructions spent %s", (long long)(s->instructions / 1000000), when);
    }
    clb_spinning(s, "%lld instructions spent %s", (long long)s->instructions, when);
}

uint32_t clb_line(lua_State *L) {
    lua_Debug ar;
    for (int level = 0; level < 64 && lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0) continue;
        /* The upper half says of which module; a file has fewer lines than its 64 KiB have bytes. */
        const struct clb_library *library = clb_library_of(state_of(L), ar.source);
        uint32_t line = ar.currentline > 0xffff ? 0xffff : (uint32_t)ar.currentline;
        return library ? clb_library_number(library) << 16 | line : line;
    }
    return 0;
}

void clb_hook(lua_State *L, lua_Debug *ar) {
    clb_state *s = state_of(L);
    if (ar->event == LUA_HOOKRET || ar->event == LUA_HOOKTAILCALL) {
        /* The verb's own function returns: that line is to blame for a bad answer. Below it is only our C function. */
        lua_Debug below;
        if (!lua_getstack(L, 2, &below)) {
            lua_getinfo(L, "Sl", ar);
            if (ar->currentline > 0) {
                s->last_line = ar->currentline;
                s->last_library = clb_library_of(s, ar->source);
            }
        }
        return;
    }
    lua_getinfo(L, "Sl", ar);
    if (ar->currentline > 0) {
        s->last_line = ar->currentline;
        s->last_library = clb_library_of(s, ar->source);
    }
    s->instructions_left -= GRAIN;
    if (s->instructions_left <= 0) spent(s);
    if (s->loading && s->load_nanoseconds && processor_nanoseconds() > s->load_nanoseconds) {
        clb_spinning(s, "%lld ms spent while the file loads", (long long)s->load_milliseconds);
    }
}

void clb_limit(clb_state *s, size_t memory, int64_t instructions, int64_t load_milliseconds) {
    s->memory = memory;
    s->instructions = s->instructions_left = instructions;
    s->load_milliseconds = load_milliseconds;
    s->load_nanoseconds = load_milliseconds ? processor_nanoseconds() + load_milliseconds * 1000000 : 0;
}

void clb_charge(clb_state *s, uint64_t units) {
    if (units > MAX_WORK) {
        trapf(s, "budget.work", "at most 16 million bytes or elements in one call", "do it in pieces",
              "a library call of %llu bytes or elements", (unsigned long long)units);
    }
    s->instructions_left -= (int64_t)(units / 16) + 1;
    if (s->instructions_left <= 0) spent(s);
}

static int set_up(lua_State *L) {
    clb_make_handles(L);
    clb_make_environment(L);
    return 0;
}

clb_state *clb_open(size_t memory, int64_t instructions, int descriptor, clb_host host) {
    clb_state *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->memory = memory;
    s->instructions = s->instructions_left = instructions;
    s->descriptor = descriptor;
    s->host = host;
    s->loading = 1;
    memcpy(s->file, "script", 7);
    s->L = lua_newstate(allocate, s);
    if (!s->L) {
        free(s);
        return NULL;
    }
    lua_atpanic(s->L, panic);
    *(clb_state **)lua_getextraspace(s->L) = s;
    lua_gc(s->L, LUA_GCINC, 130, 0, 0);
    lua_pushcfunction(s->L, set_up);
    if (lua_pcall(s->L, 0, 0, 0) != LUA_OK) panic(s->L);
    lua_sethook(s->L, clb_hook, LUA_MASKCOUNT, GRAIN);
    return s;
}

void clb_close(clb_state *s) {
    if (!s) return;
    s->closing = 1;
    lua_close(s->L);
    free(s->source);
    clb_free_libraries(s);
    free(s->output.bytes);
    free(s->status.bytes);
    free(s->reply.bytes);
    free(s->reply_status.bytes);
    free(s);
}

static void copy_name(char *to, size_t size, const uint8_t *from, size_t count) {
    if (count > size - 1) count = size - 1;
    memcpy(to, from, count);
    to[count] = 0;
}

void clb_set_file(clb_state *s, const uint8_t *name, size_t count) { copy_name(s->file, sizeof s->file, name, count); }

void clb_set_subject(clb_state *s, const uint8_t *text, size_t count) {
    copy_name(s->subject, sizeof s->subject, text, count);
}

void clb_set_line(clb_state *s, int line) {
    s->last_line = line;
    s->last_library = NULL;
}

struct job {
    const uint8_t *verb, *actor, *request;
    size_t verb_count, actor_count, request_count;
};

static int load(lua_State *L) {
    clb_state *s = state_of(L);
    char chunk[sizeof s->file + 1];
    snprintf(chunk, sizeof chunk, "=%s", s->file);
    if (luaL_loadbufferx(L, (const char *)s->source, s->source_count, chunk, "t") != LUA_OK) {
        size_t count;
        const char *words = lua_tolstring(L, -1, &count);
        const char *prefix_end = words;
        size_t file = strlen(s->file);
        /* The position that Lua writes is "file:line:"; ours comes from the text itself. */
        if (count > file + 1 && memcmp(words, s->file, file) == 0 && words[file] == ':') {
            s->last_line = atoi(words + file + 1);
            const char *colon = strchr(words + file + 1, ':');
            if (colon) prefix_end = colon + 1;
            while (*prefix_end == ' ') prefix_end++;
        }
        trapf(s, "load.syntax", NULL, NULL, "%.1500s", prefix_end);
    }
    lua_pushcfunction(L, clb_handler);
    lua_insert(L, -2);
    lua_pcall(L, 0, 1, -2); /* the handler does not return */
    if (s->tests) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_tests);
        clb_encode_one(L, &s->output, lua_gettop(L), ENCODE_DESCRIPTOR);
        return 0;
    }
    if (!lua_istable(L, -1)) {
        trapf(s, "load.shape", "return { name = ..., api = 1, ... }", NULL, "the file returned %s%s, not a table",
              lua_isnil(L, -1) ? "" : "a ", luaL_typename(L, -1));
    }
    if (lua_getmetatable(L, -1)) trapf(s, "load.shape", "a plain table", NULL, "the returned table has a metatable");
    clb_encode_one(L, &s->output, lua_gettop(L), ENCODE_DESCRIPTOR);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clb_key_descriptor);
    return 0;
}

static void protected(clb_state *s, lua_CFunction work, void *argument) {
    s->output.count = s->status.count = 0;
    lua_settop(s->L, 0);
    lua_pushcfunction(s->L, clb_handler);
    lua_pushcfunction(s->L, work);
    lua_pushlightuserdata(s->L, argument);
    /* Reached with an error only where the handler itself could not run: an overflowed C stack. */
    if (lua_pcall(s->L, 1, 0, 1) != LUA_OK) trapf(s, "script.depth", NULL, NULL, "the script nested too deep");
    lua_settop(s->L, 0);
}

void clb_load(clb_state *s, const uint8_t *source, size_t count) {
    free(s->source);
    s->source = malloc(count + 1);
    if (!s->source) clb_no_memory(s);
    memcpy(s->source, source, count);
    s->source[count] = 0;
    s->source_count = count;
    if (count && source[0] == 0x1b) {
        s->source_count = 0; /* no line of it is to be quoted */
        trapf(s, "load.binary", "Lua source text", NULL, "the file is compiled Lua");
    }
    if (count > MAX_SOURCE) {
        trapf(s, "load.size", "at most 65536 bytes", NULL, "the file has %zu bytes", count);
    }
    s->loading = 1;
    protected(s, load, NULL);
    s->last_line = 0; /* nothing runs: no line is to blame */
}

static int run(lua_State *L) {
    clb_state *s = state_of(L);
    const struct job *job = lua_touserdata(L, 1);
    if (!s->tests) clb_make_host(L);
    s->loading = 0;
    if (!s->tests) copy_name(s->verb, sizeof s->verb, job->verb, job->verb_count);
    char kind[64];
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_descriptor);
    lua_pushlstring(L, (const char *)job->verb, job->verb_count);
    snprintf(kind, sizeof kind, "request.%s", lua_tostring(L, -1));
    lua_rawget(L, -2);
    if (!lua_isfunction(L, -1)) trapf(s, "load.shape", NULL, NULL, "the script has no verb %.32s", kind + 8);
    int takes_slot = strcmp(kind + 8, "probe") == 0 || strcmp(kind + 8, "prepare") == 0;
    clb_decode(L, job->actor, job->actor_count, takes_slot ? "slot" : "actor");
    clb_decode(L, job->request, job->request_count, kind);
    int base = lua_gettop(L) - 3;
    lua_pushcfunction(L, clb_handler);
    lua_insert(L, base + 1);
    lua_sethook(L, clb_hook, LUA_MASKCOUNT | LUA_MASKRET, GRAIN);
    lua_pcall(L, 2, LUA_MULTRET, base + 1);
    lua_sethook(L, clb_hook, LUA_MASKCOUNT, GRAIN);
    int results = lua_gettop(L) - base - 1;
    if (s->tests) {
        /* What a test returns means nothing: it says what it expects. */
        s->output.count = 0;
        buffer_put(s, &s->status, "ok", 2);
        buffer_put(s, &s->output, "\0", 1);
        return 0;
    }
    if (results < 1 || lua_type(L, base + 2) != LUA_TSTRING) {
        trapf(s, "verb.result", "return \"ok\"[, result], or a status and a reason",
              "the first value is the status: return \"ok\"", "%s answered %s first", kind + 8,
              results < 1 ? "nothing" : luaL_typename(L, base + 2));
    }
    if (results > 2) {
        trapf(s, "verb.result", "a status and one result or reason",
              "what a host function answers is no answer of a verb: try(host.process.run {…}), then return \"ok\"",
              "%s answered %d values", kind + 8, results);
    }
    size_t count;
    const char *status = lua_tolstring(L, base + 2, &count);
    buffer_put(s, &s->status, status, count);
    lua_settop(L, base + 3);
    s->output.count = 0; /* host calls had their arguments in it */
    clb_encode_one(L, &s->output, base + 3, ENCODE_RESULT);
    return 0;
}

void clb_run(clb_state *s, const uint8_t *verb, size_t verb_count, const uint8_t *actor, size_t actor_count,
             const uint8_t *request, size_t request_count) {
    struct job job = {verb, actor, request, verb_count, actor_count, request_count};
    protected(s, run, &job);
}

const uint8_t *clb_output(const clb_state *s, size_t *count) {
    *count = s->output.count;
    return s->output.bytes;
}

const uint8_t *clb_status(const clb_state *s, size_t *count) {
    *count = s->status.count;
    return s->status.bytes;
}

void clb_set_reply(clb_state *s, const uint8_t *status, size_t status_count, const uint8_t *values, size_t count) {
    s->reply.count = s->reply_status.count = 0;
    buffer_put(s, &s->reply_status, status, status_count);
    buffer_put(s, &s->reply, values, count);
}
