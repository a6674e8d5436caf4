#include "internal.h"

const char clb_key_host, clb_key_descriptor, clb_key_handle, clb_key_locked;

void buffer_put(clb_state *s, buffer *b, const void *bytes, size_t count) {
    if (count > MAX_FRAME || b->count + count > MAX_FRAME) {
        trapf(s, "api.limit", "at most 2 MiB", NULL, "a value of more than 2 MiB");
    }
    if (b->count + count > b->capacity) {
        size_t capacity = (b->count + count) * 2 + 64;
        uint8_t *fresh = realloc(b->bytes, capacity);
        if (!fresh) clb_no_memory(s);
        b->bytes = fresh;
        b->capacity = capacity;
    }
    if (count) memcpy(b->bytes + b->count, bytes, count);
    b->count += count;
}

static void put8(clb_state *s, buffer *b, uint8_t n) { buffer_put(s, b, &n, 1); }

void buffer_put32(clb_state *s, buffer *b, uint32_t n) { buffer_put(s, b, &n, 4); /* little-endian machines only */ }

typedef struct encoder {
    lua_State *L;
    clb_state *s;
    buffer *out;
    int mode, nodes;
    char path[256];
    size_t path_count, base;
} encoder;

static const char *wrong(const encoder *e) {
    return e->mode == ENCODE_ARGUMENTS ? "api.type" : e->mode == ENCODE_DESCRIPTOR ? "load.shape" : "verb.result";
}

#define TRAP_VALUE(e, ...) trapf((e)->s, wrong(e), NULL, NULL, __VA_ARGS__)

static size_t push_path(encoder *e, const char *format, ...) {
    size_t before = e->path_count, room = sizeof e->path - before;
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(e->path + before, room, format, arguments);
    va_end(arguments);
    if (count > 0) e->path_count += (size_t)count < room ? (size_t)count : room - 1;
    return before;
}

static void pop_path(encoder *e, size_t before) {
    e->path_count = before;
    e->path[before] = 0;
}

/* The path, or words where the value itself is meant: "process.run: the table". */
static const char *where(encoder *e) {
    if (e->path_count == e->base) push_path(e, e->mode == ENCODE_ARGUMENTS ? "the table" : e->mode == ENCODE_DESCRIPTOR ? "the returned table" : "the answer");
    return e->path;
}

static void encode(encoder *e, int index, int depth);

static void encode_string(encoder *e, int index) {
    size_t count;
    const char *bytes = lua_tolstring(e->L, index, &count);
    put8(e->s, e->out, clb_valid_text((const uint8_t *)bytes, count) ? 5 : 6);
    buffer_put32(e->s, e->out, (uint32_t)count);
    buffer_put(e->s, e->out, bytes, count);
}

typedef struct key {
    const char *bytes;
    size_t count;
} key;

static int by_bytes(const void *a, const void *b) {
    const key *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->count < y->count ? x->count : y->count);
    return order ? order : (x->count > y->count) - (x->count < y->count);
}

/* The keys are strings of the table, which keeps them alive; the array is ours. */
static void encode_map(encoder *e, int index, int depth, size_t entries) {
    lua_State *L = e->L;
    key *keys = malloc(entries * sizeof *keys);
    if (!keys) clb_no_memory(e->s);
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        keys[count].bytes = lua_tolstring(L, -2, &keys[count].count); /* a string: seen by the caller */
        if (!clb_valid_text((const uint8_t *)keys[count].bytes, keys[count].count)) {
            trapf(e->s, "api.text", "valid UTF-8 without NUL", NULL, "%s has a key that is not text", where(e));
        }
        count++;
    }
    qsort(keys, count, sizeof *keys, by_bytes);
    put8(e->s, e->out, 8);
    buffer_put32(e->s, e->out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        buffer_put32(e->s, e->out, (uint32_t)keys[i].count);
        buffer_put(e->s, e->out, keys[i].bytes, keys[i].count);
        size_t before = push_path(e, "%s%.60s", e->path_count > e->base ? "." : "", keys[i].bytes);
        lua_pushlstring(L, keys[i].bytes, keys[i].count);
        lua_rawget(L, index);
        encode(e, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
        pop_path(e, before);
    }
    free(keys);
}

static void encode_table(encoder *e, int index, int depth) {
    lua_State *L = e->L;
    if (depth >= MAX_DEPTH) trapf(e->s, "api.limit", NULL, NULL, "%s is nested deeper than 32", where(e));
    if (!lua_checkstack(L, 8)) trapf(e->s, "api.limit", NULL, NULL, "%s is nested too deep", where(e));
    if (lua_getmetatable(L, index)) {
        lua_rawgetp(L, -1, &clb_key_locked);
        if (!lua_toboolean(L, -1)) TRAP_VALUE(e, "%s has a metatable", where(e));
        lua_pop(L, 2);
    }
    size_t texts = 0, entries = 0;
    lua_Integer largest = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (++entries + (size_t)e->nodes > MAX_NODES) {
            trapf(e->s, "api.limit", NULL, NULL, "%s has more than 10000 values", where(e));
        }
        if (lua_type(L, -2) == LUA_TSTRING) texts++;
        else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > 0) {
            if (lua_tointeger(L, -2) > largest) largest = lua_tointeger(L, -2);
        } else TRAP_VALUE(e, "%s has a key that is a %s", where(e), luaL_typename(L, -2));
    }
    if (texts && texts != entries) {
        if (!e->s->tests || e->mode != ENCODE_ARGUMENTS) TRAP_VALUE(e, "%s has both names and positions", where(e));
        clb_split_mixed(L, index);
        encode_table(e, lua_gettop(L), depth);
        lua_pop(L, 1);
        return;
    }
    if (texts) {
        encode_map(e, index, depth, entries);
        return;
    }
    if ((size_t)largest != entries) {
        lua_Integer hole = 1;
        while (lua_rawgeti(L, index, hole) != LUA_TNIL) {
            lua_pop(L, 1);
            hole++;
        }
        TRAP_VALUE(e, "%s[%lld] is nil", e->path, (long long)hole);
    }
    put8(e->s, e->out, 7);
    buffer_put32(e->s, e->out, (uint32_t)entries);
    for (lua_Integer i = 1; i <= largest; i++) {
        size_t before = push_path(e, "[%lld]", (long long)i);
        lua_rawgeti(L, index, i);
        encode(e, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
        pop_path(e, before);
    }
}

const uint32_t *clb_handle(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_handle);
    int ours = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return ours ? lua_touserdata(L, index) : NULL;
}

static void encode_handle(encoder *e, int index) {
    const uint32_t *handle = clb_handle(e->L, index);
    if (!handle) TRAP_VALUE(e, "%s is a userdata", where(e));
    put8(e->s, e->out, 9);
    buffer_put32(e->s, e->out, handle[0]);
    buffer_put32(e->s, e->out, handle[1]);
}

static void encode(encoder *e, int index, int depth) {
    lua_State *L = e->L;
    if (++e->nodes > MAX_NODES) trapf(e->s, "api.limit", NULL, NULL, "%s has more than 10000 values", where(e));
    switch (lua_type(L, index)) {
    case LUA_TNIL: put8(e->s, e->out, 0); return;
    case LUA_TBOOLEAN: put8(e->s, e->out, lua_toboolean(L, index) ? 2 : 1); return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            lua_Integer number = lua_tointeger(L, index);
            put8(e->s, e->out, 3);
            buffer_put(e->s, e->out, &number, 8);
        } else {
            lua_Number number = lua_tonumber(L, index);
            put8(e->s, e->out, 4);
            buffer_put(e->s, e->out, &number, 8);
        }
        return;
    case LUA_TSTRING: encode_string(e, index); return;
    case LUA_TTABLE: encode_table(e, index, depth); return;
    case LUA_TUSERDATA: encode_handle(e, index); return;
    case LUA_TFUNCTION:
        /* No handle: whoever checks the value says where it does not belong, and what does. */
        put8(e->s, e->out, 9);
        buffer_put32(e->s, e->out, UINT32_MAX);
        buffer_put32(e->s, e->out, UINT32_MAX);
        return;
    default: break;
    }
    TRAP_VALUE(e, "%s is a %s", where(e), luaL_typename(L, index));
}

void clb_encode_one(lua_State *L, buffer *out, int index, int mode) {
    encoder e = {.L = L, .s = state_of(L), .out = out, .mode = mode};
    encode(&e, index, 0);
}

/* One list; missing and nil differ by its length. */
void clb_encode_arguments(lua_State *L, buffer *out, const char *name, int record) {
    encoder e = {.L = L, .s = state_of(L), .out = out, .mode = ENCODE_ARGUMENTS};
    int count = lua_gettop(L);
    put8(e.s, out, 7);
    buffer_put32(e.s, out, (uint32_t)count);
    push_path(&e, "%.100s: ", name);
    e.base = e.path_count;
    for (int i = 1; i <= count; i++) {
        size_t before = e.path_count;
        /* The one table of a record needs no name: its fields have theirs. */
        if (!record || count > 1) push_path(&e, "argument %d", i);
        encode(&e, i, 1);
        pop_path(&e, before);
    }
}

typedef struct decoder {
    lua_State *L;
    const uint8_t *bytes;
    size_t count, offset;
} decoder;

static const uint8_t *take(decoder *d, size_t count) {
    /* The bytes come from our own encoder in Swift: short ones are a bug of ours. */
    if (count > d->count - d->offset) lua_atpanic(d->L, NULL)(d->L);
    const uint8_t *at = d->bytes + d->offset;
    d->offset += count;
    return at;
}

static uint32_t take32(decoder *d) {
    uint32_t n;
    memcpy(&n, take(d, 4), 4);
    return n;
}

static void decode(decoder *d, const char *kind) {
    lua_State *L = d->L;
    luaL_checkstack(L, 8, "reply");
    uint8_t tag = *take(d, 1);
    switch (tag) {
    case 0: lua_pushnil(L); return;
    case 1: case 2: lua_pushboolean(L, tag == 2); return;
    case 3: { lua_Integer n; memcpy(&n, take(d, 8), 8); lua_pushinteger(L, n); return; }
    case 4: { lua_Number n; memcpy(&n, take(d, 8), 8); lua_pushnumber(L, n); return; }
    case 5: case 6: { uint32_t n = take32(d); lua_pushlstring(L, (const char *)take(d, n), n); return; }
    case 7: {
        uint32_t n = take32(d);
        lua_createtable(L, n < 1024 ? (int)n : 1024, 0);
        for (uint32_t i = 1; i <= n; i++) {
            decode(d, kind ? clb_strict_child(kind, "[]", 2) : NULL);
            lua_rawseti(L, -2, (lua_Integer)i);
        }
        return;
    }
    case 8: {
        uint32_t n = take32(d);
        lua_createtable(L, 0, n < 1024 ? (int)n : 1024);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t count = take32(d);
            const char *name = (const char *)take(d, count);
            lua_pushlstring(L, name, count);
            decode(d, kind ? clb_strict_child(kind, name, count) : NULL);
            lua_rawset(L, -3);
        }
        if (kind) clb_make_strict(L, kind);
        return;
    }
    case 9: {
        uint32_t index = take32(d), generation = take32(d);
        uint32_t *handle = lua_newuserdatauv(L, 8, 0);
        handle[0] = index;
        handle[1] = generation;
        lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_handle);
        lua_setmetatable(L, -2);
        return;
    }
    default: lua_atpanic(L, NULL)(L);
    }
}

void clb_decode(lua_State *L, const uint8_t *bytes, size_t count, const char *kind) {
    decoder d = {L, bytes, count, 0};
    decode(&d, kind);
}

int clb_decode_list(lua_State *L, const uint8_t *bytes, size_t count) {
    decoder d = {L, bytes, count, 0};
    if (*take(&d, 1) != 7) lua_atpanic(L, NULL)(L);
    uint32_t n = take32(&d);
    for (uint32_t i = 0; i < n; i++) decode(&d, NULL);
    return (int)n;
}

/* `local p <close> = …`: the block is left, however that came. */
static int handle_close(lua_State *L) {
    clb_state *s = state_of(L);
    const uint32_t *handle = clb_handle(L, 1);
    if (!handle) return 0;
    clb_charge(s, GRAIN * 16);
    s->host.release(s->host.context, handle[0], handle[1], clb_line(L));
    return 0;
}

static int handle_equal(lua_State *L) {
    const uint32_t *a = lua_touserdata(L, 1), *b = lua_touserdata(L, 2);
    lua_pushboolean(L, a && b && a[0] == b[0] && a[1] == b[1]);
    return 1;
}

void clb_make_handles(lua_State *L) {
    lua_createtable(L, 0, 4);
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "process"); /* what Lua's own errors call it */
    lua_setfield(L, -2, "__name");
    lua_pushcfunction(L, handle_equal);
    lua_setfield(L, -2, "__eq");
    lua_pushcfunction(L, handle_close);
    lua_setfield(L, -2, "__close");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clb_key_handle);
}
