#include "internal.h"
#include <math.h>

/* json.encode, json.decode and json.object: pure, bounded like everything that crosses to the host. */

const char clb_key_object, clb_key_null;

typedef struct writer {
    lua_State *L;
    clb_state *s;
    int nodes;
} writer;

static void put_text(writer *w, const char *text) { buffer_put(w->s, &w->s->output, text, strlen(text)); }

static void write_string(writer *w, int index) {
    size_t count;
    const char *text = lua_tolstring(w->L, index, &count);
    /* A NUL is text in JSON alone: each part between them must be valid by itself. */
    for (size_t at = 0; at <= count;) {
        const char *end = memchr(text + at, 0, count - at);
        size_t part = end ? (size_t)(end - text) - at : count - at;
        if (!clb_valid_text((const uint8_t *)text + at, part)) {
            trapf(w->s, "api.text", "valid UTF-8", NULL, "json.encode: a string is not text");
        }
        at += part + 1;
    }
    put_text(w, "\"");
    size_t from = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)text[i];
        const char *named = byte == '"' ? "\\\"" : byte == '\\' ? "\\\\" : byte == '\n' ? "\\n" : byte == '\t' ? "\\t"
                          : byte == '\r' ? "\\r" : byte == '\b' ? "\\b" : byte == '\f' ? "\\f" : NULL;
        if (!named && byte >= 0x20) continue;
        buffer_put(w->s, &w->s->output, text + from, i - from);
        from = i + 1;
        char escape[8];
        if (!named) snprintf(escape, sizeof escape, "\\u%04x", byte);
        put_text(w, named ? named : escape);
    }
    buffer_put(w->s, &w->s->output, text + from, count - from);
    put_text(w, "\"");
}

static void write_number(writer *w, int index) {
    char text[40];
    if (lua_isinteger(w->L, index)) {
        snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(w->L, index));
    } else {
        double number = lua_tonumber(w->L, index);
        if (!isfinite(number)) trapf(w->s, "api.type", "a finite number", NULL, "json.encode: a number is not finite");
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, number);
            if (strtod(text, NULL) == number) break;
        }
        /* It comes back as the float that it was. */
        if (!strpbrk(text, ".e")) strcat(text, ".0");
    }
    put_text(w, text);
}

typedef struct name {
    const char *bytes;
    size_t count;
} name;

static int by_bytes(const void *a, const void *b) {
    const name *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->count < y->count ? x->count : y->count);
    return order ? order : (x->count > y->count) - (x->count < y->count);
}

static void write_value(writer *w, int index, int depth);

/* The names are strings of the table, which keeps them alive. */
static void write_object(writer *w, int index, int depth, size_t entries) {
    lua_State *L = w->L;
    name *names = lua_newuserdatauv(L, (entries + 1) * sizeof *names, 0);
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        names[count].bytes = lua_tolstring(L, -2, &names[count].count); /* a string: seen by the caller */
        count++;
    }
    qsort(names, count, sizeof *names, by_bytes);
    put_text(w, "{");
    for (size_t i = 0; i < count; i++) {
        if (i) put_text(w, ",");
        lua_pushlstring(L, names[i].bytes, names[i].count);
        write_string(w, lua_gettop(L));
        put_text(w, ":");
        lua_rawget(L, index);
        write_value(w, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
    put_text(w, "}");
    lua_pop(L, 1);
}

static void write_table(writer *w, int index, int depth) {
    lua_State *L = w->L;
    if (depth >= MAX_DEPTH) trapf(w->s, "api.limit", NULL, NULL, "json.encode: nested deeper than %d", MAX_DEPTH);
    luaL_checkstack(L, 10, "json");
    int is_object = 0;
    if (lua_getmetatable(L, index)) {
        is_object = lua_rawgetp(L, -1, &clb_key_object) != LUA_TNIL;
        lua_pop(L, 1);
        lua_rawgetp(L, -1, &clb_key_locked);
        if (!lua_toboolean(L, -1)) trapf(w->s, "api.type", "a plain table", NULL, "json.encode: a table has a metatable");
        lua_pop(L, 2);
    }
    size_t texts = 0, entries = 0;
    lua_Integer largest = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (++entries + (size_t)w->nodes > MAX_NODES) {
            trapf(w->s, "api.limit", NULL, NULL, "json.encode: more than %d values", MAX_NODES);
        }
        if (lua_type(L, -2) == LUA_TSTRING) texts++;
        else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > 0) {
            if (lua_tointeger(L, -2) > largest) largest = lua_tointeger(L, -2);
        } else {
            trapf(w->s, "api.type", "names or positions", NULL, "json.encode: a table has a key that is a %s",
                  luaL_typename(L, -2));
        }
    }
    if (texts && texts != entries) {
        trapf(w->s, "api.type", "names or positions", NULL, "json.encode: a table has both names and positions");
    }
    if (is_object && entries != texts) {
        trapf(w->s, "api.type", "names alone", NULL, "json.encode: an object has positions");
    }
    if (texts || is_object) {
        write_object(w, index, depth, entries);
        return;
    }
    if ((size_t)largest != entries) {
        trapf(w->s, "api.type", "a list without holes", "json.null stands for null", "json.encode: a list has a hole");
    }
    put_text(w, "[");
    for (lua_Integer i = 1; i <= largest; i++) {
        if (i > 1) put_text(w, ",");
        lua_rawgeti(L, index, i);
        write_value(w, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
    put_text(w, "]");
}

static void write_value(writer *w, int index, int depth) {
    lua_State *L = w->L;
    if (++w->nodes > MAX_NODES) trapf(w->s, "api.limit", NULL, NULL, "json.encode: more than %d values", MAX_NODES);
    if (w->s->output.count > MAX_JSON) trapf(w->s, "api.limit", "at most 1 MiB", NULL, "json.encode: a text over 1 MiB");
    switch (lua_type(L, index)) {
    case LUA_TNIL: put_text(w, "null"); return;
    case LUA_TBOOLEAN: put_text(w, lua_toboolean(L, index) ? "true" : "false"); return;
    case LUA_TNUMBER: write_number(w, index); return;
    case LUA_TSTRING: write_string(w, index); return;
    case LUA_TTABLE: write_table(w, index, depth); return;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) == &clb_key_null) {
            put_text(w, "null");
            return;
        }
        break;
    default: break;
    }
    trapf(w->s, "api.type", "plain data", NULL, "json.encode: a %s is no JSON",
          lua_type(L, index) == LUA_TUSERDATA ? "process" : luaL_typename(L, index));
}

static int json_encode(lua_State *L) {
    clb_state *s = state_of(L);
    if (lua_gettop(L) != 1) {
        trapf(s, "api.type", "one value", NULL, "json.encode takes one value, got %d", lua_gettop(L));
    }
    writer w = {L, s, 0};
    s->output.count = 0;
    write_value(&w, 1, 0);
    if (s->output.count > MAX_JSON) trapf(s, "api.limit", "at most 1 MiB", NULL, "json.encode: a text over 1 MiB");
    clb_charge(s, s->output.count);
    lua_pushlstring(L, (const char *)s->output.bytes, s->output.count);
    return 1;
}

static int json_object(lua_State *L) {
    clb_state *s = state_of(L);
    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TTABLE) {
        trapf(s, "api.type", "one table", NULL, "json.object takes one table, got %s",
              lua_gettop(L) ? luaL_typename(L, 1) : "nothing");
    }
    if (lua_getmetatable(L, 1)) trapf(s, "api.type", "a plain table", NULL, "json.object: the table has a metatable");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_object);
    lua_setmetatable(L, 1);
    return 1;
}

/* Leaves the library's table on the top. */
void clb_json(lua_State *L) {
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &clb_key_locked);
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &clb_key_object);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clb_key_object);
    static const luaL_Reg functions[] = {
        {"encode", json_encode}, {"decode", clb_json_decode}, {"object", json_object}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&clb_key_null);
    lua_setfield(L, -2, "null");
}
