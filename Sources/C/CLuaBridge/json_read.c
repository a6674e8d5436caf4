#include "internal.h"
#include <math.h>

/* json.decode. */

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
        lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_object);
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
        if (lua_touserdata(L, -1) == &clb_key_null) {
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
        lua_pushlightuserdata(L, (void *)(uintptr_t)&clb_key_null);
        return 1;
    }
    char c = r->text[r->at];
    if (c == '-' || (c >= '0' && c <= '9')) return read_number(r);
    return fails(r, "something that is no value");
}

/* What another program wrote may be anything: a status, like everything that can fail. */
int clb_json_decode(lua_State *L) {
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
