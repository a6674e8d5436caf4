#include "internal.h"
#include <math.h>

/* json.encode, json.decode and json.object: pure, bounded like everything that crosses to the host. */

static const char key_object, key_null;

enum { MAX_JSON = 1 << 20 };

/* ---- encode ---- */

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
        is_object = lua_rawgetp(L, -1, &key_object) != LUA_TNIL;
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
        if (lua_touserdata(L, index) == &key_null) {
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
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key_object);
    lua_setmetatable(L, 1);
    return 1;
}

/* ---- decode ---- */

typedef struct reader {
    lua_State *L;
    clb_state *s;
    const char *text;
    size_t count, at;
    int nodes;
    const char *problem;
} reader;

static int fails(reader *r, const char *problem) {
    r->problem = problem;
    return 0;
}

static void skip(reader *r) {
    while (r->at < r->count && strchr(" \t\r\n", r->text[r->at]) && r->text[r->at]) r->at++;
}

static int is_next(reader *r, char c) {
    if (r->at >= r->count || r->text[r->at] != c) return 0;
    r->at++;
    return 1;
}

static int hex4(reader *r, uint32_t *value) {
    if (r->count - r->at < 4) return 0;
    *value = 0;
    for (int i = 0; i < 4; i++) {
        char c = r->text[r->at++];
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                       : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 16;
        if (digit > 15) return 0;
        *value = *value << 4 | digit;
    }
    return 1;
}

/* The escape after a backslash, as UTF-8. */
static int read_escape(reader *r, buffer *out) {
    char c = r->at < r->count ? r->text[r->at++] : 0;
    const char *from = "\"\\/bfnrt", *to = "\"\\/\b\f\n\r\t", *found = c ? strchr(from, c) : NULL;
    if (found) {
        buffer_put(r->s, out, to + (found - from), 1);
        return 1;
    }
    uint32_t point, low;
    if (c != 'u' || !hex4(r, &point)) return fails(r, "an escape that is none");
    if (point >= 0xd800 && point < 0xdc00) {
        if (!is_next(r, '\\') || !is_next(r, 'u') || !hex4(r, &low) || low < 0xdc00 || low > 0xdfff) {
            return fails(r, "half of a surrogate pair");
        }
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else if (point >= 0xdc00 && point < 0xe000) {
        return fails(r, "half of a surrogate pair");
    }
    uint8_t bytes[4];
    size_t count = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = count - 1; i > 0; i--, point >>= 6) bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
    bytes[0] = (uint8_t)(leads[count] | point);
    buffer_put(r->s, out, bytes, count);
    return 1;
}

/* After the opening quote: leaves the string on the top. */
static int read_string(reader *r) {
    buffer *out = &r->s->output;
    out->count = 0;
    while (r->at < r->count) {
        size_t from = r->at;
        while (r->at < r->count && r->text[r->at] != '"' && r->text[r->at] != '\\' && (uint8_t)r->text[r->at] >= 0x20) {
            r->at++;
        }
        if (!clb_valid_text((const uint8_t *)r->text + from, r->at - from)) return fails(r, "bytes that are not UTF-8");
        buffer_put(r->s, out, r->text + from, r->at - from);
        if (is_next(r, '"')) {
            lua_pushlstring(r->L, (const char *)out->bytes, out->count);
            return 1;
        }
        if (!is_next(r, '\\')) break;
        if (!read_escape(r, out)) return 0;
    }
    return fails(r, "a string that does not end");
}

static int read_number(reader *r) {
    size_t from = r->at;
    int is_float = 0;
    is_next(r, '-');
    size_t digits = r->at;
    while (r->at < r->count && r->text[r->at] >= '0' && r->text[r->at] <= '9') r->at++;
    if (r->at == digits || (r->text[digits] == '0' && r->at - digits > 1)) return fails(r, "a number that is none");
    for (int part = 0; part < 2; part++) {
        if (part == 0 ? !is_next(r, '.') : !(is_next(r, 'e') || is_next(r, 'E'))) continue;
        is_float = 1;
        if (part && !is_next(r, '+')) is_next(r, '-');
        digits = r->at;
        while (r->at < r->count && r->text[r->at] >= '0' && r->text[r->at] <= '9') r->at++;
        if (r->at == digits) return fails(r, "a number that is none");
    }
    if (r->at - from > 200) return fails(r, "a number of more than 200 digits");
    char text[208];
    memcpy(text, r->text + from, r->at - from);
    text[r->at - from] = 0;
    if (is_float || !lua_stringtonumber(r->L, text)) {
        if (!is_float) return fails(r, "a number that is none");
        lua_Number number = strtod(text, NULL);
        if (!isfinite(number)) return fails(r, "a number that is too large");
        lua_pushnumber(r->L, number);
    }
    return 1;
}

static int read_value(reader *r, int depth);

static int read_members(reader *r, int depth) {
    lua_State *L = r->L;
    lua_newtable(L);
    skip(r);
    if (is_next(r, '}')) {
        /* It is written again as what it was. */
        lua_rawgetp(L, LUA_REGISTRYINDEX, &key_object);
        lua_setmetatable(L, -2);
        return 1;
    }
    do {
        skip(r);
        if (!is_next(r, '"')) return fails(r, "no name where one belongs");
        if (!read_string(r)) return 0;
        skip(r);
        if (!is_next(r, ':')) return fails(r, "no colon after a name");
        if (!read_value(r, depth + 1)) return 0;
        if (lua_touserdata(L, -1) == &key_null) {
            lua_pop(L, 1);
            lua_pushnil(L);
        }
        lua_rawset(L, -3);
        skip(r);
    } while (is_next(r, ','));
    return is_next(r, '}') || fails(r, "an object that does not end");
}

static int read_items(reader *r, int depth) {
    lua_State *L = r->L;
    lua_newtable(L);
    skip(r);
    if (is_next(r, ']')) return 1;
    lua_Integer count = 0;
    do {
        if (!read_value(r, depth + 1)) return 0;
        lua_rawseti(L, -2, ++count);
        skip(r);
    } while (is_next(r, ','));
    return is_next(r, ']') || fails(r, "a list that does not end");
}

static int is_word(reader *r, const char *word) {
    size_t length = strlen(word);
    if (r->count - r->at < length || memcmp(r->text + r->at, word, length)) return 0;
    r->at += length;
    return 1;
}

static int read_value(reader *r, int depth) {
    lua_State *L = r->L;
    if (depth >= MAX_DEPTH) return fails(r, "a nesting of more than 32");
    if (++r->nodes > MAX_NODES) return fails(r, "more than 10000 values");
    luaL_checkstack(L, 8, "json");
    skip(r);
    if (r->at >= r->count) return fails(r, "an end where a value belongs");
    if (is_next(r, '{')) return read_members(r, depth);
    if (is_next(r, '[')) return read_items(r, depth);
    if (is_next(r, '"')) return read_string(r);
    if (is_word(r, "true") || is_word(r, "false")) {
        lua_pushboolean(L, r->text[r->at - 2] == 'u');
        return 1;
    }
    if (is_word(r, "null")) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)&key_null);
        return 1;
    }
    char c = r->text[r->at];
    if (c == '-' || (c >= '0' && c <= '9')) return read_number(r);
    return fails(r, "something that is no value");
}

/* What another program wrote may be anything: a status, like everything that can fail. */
static int json_decode(lua_State *L) {
    clb_state *s = state_of(L);
    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
        trapf(s, "api.type", "one string", NULL, "json.decode takes one string, got %s",
              lua_gettop(L) ? luaL_typename(L, 1) : "nothing");
    }
    reader r = {.L = L, .s = s};
    r.text = lua_tolstring(L, 1, &r.count);
    if (r.count > MAX_JSON) trapf(s, "api.limit", "at most 1 MiB", NULL, "json.decode: a text of %zu bytes", r.count);
    clb_charge(s, r.count);
    int good = read_value(&r, 0);
    if (good) {
        skip(&r);
        if (r.at < r.count) good = fails(&r, "more after the value");
    }
    if (good) {
        lua_pushliteral(L, "ok");
        lua_insert(L, -2);
        return 2;
    }
    lua_pushliteral(L, "failed");
    lua_pushfstring(L, "JSON: %s at byte %I", r.problem, (lua_Integer)r.at);
    return 2;
}

/* Leaves the library's table on the top. */
void clb_json(lua_State *L) {
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &clb_key_locked);
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &key_object);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key_object);
    static const luaL_Reg functions[] = {
        {"encode", json_encode}, {"decode", json_decode}, {"object", json_object}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&key_null);
    lua_setfield(L, -2, "null");
}
