#include "internal.h"

static uint64_t lengths(lua_State *L) {
    uint64_t sum = 0;
    for (int i = lua_gettop(L); i > 0; i--) {
        if (lua_type(L, i) == LUA_TSTRING) sum += lua_rawlen(L, i);
    }
    return sum;
}

/* Charges the texts it is given, then becomes the library's own function, which has no upvalues. */
static int charged(lua_State *L) {
    clb_charge(state_of(L), lengths(L));
    lua_CFunction original = lua_tocfunction(L, lua_upvalueindex(1));
    return original(L);
}

static int own_rep(lua_State *L) {
    clb_state *s = state_of(L);
    size_t length, separator;
    luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &separator);
    if (count > 0) {
        uint64_t each = (uint64_t)length + separator;
        if (each && (uint64_t)count > s->memory / each) clb_no_memory(s);
        uint64_t work;
        if (__builtin_mul_overflow((uint64_t)count, each + 1, &work)) work = UINT64_MAX;
        /* More copies than bytes are allowed is refused above; what is left is at most twice the memory budget. */
        if (each == 0 && (uint64_t)count > MAX_WORK) clb_charge(s, work);
        for (; work > MAX_WORK; work -= MAX_WORK) clb_charge(s, MAX_WORK);
        clb_charge(s, work);
    }
    lua_CFunction original = lua_tocfunction(L, lua_upvalueindex(1));
    return original(L);
}

/* No address leaves: %p is refused, %s goes through our tostring. */
static int own_format(lua_State *L) {
    clb_charge(state_of(L), lengths(L));
    size_t count;
    const char *format = luaL_checklstring(L, 1, &count), *end = format + count;
    int argument = 1, top = lua_gettop(L);
    for (const char *at = format; at < end; at++) {
        if (*at != '%') continue;
        if (++at < end && *at == '%') continue;
        argument++;
        while (at < end && *at && strchr("-+ #0123456789.", *at)) at++;
        if (at >= end) break;
        if (*at == 'p') return luaL_error(L, "invalid conversion '%%p' to 'format'");
        if (*at == 's' && argument <= top && !lua_isstring(L, argument)) {
            clb_tostring(L, argument);
            lua_replace(L, argument);
        }
    }
    lua_CFunction original = lua_tocfunction(L, lua_upvalueindex(1));
    return original(L);
}

static void wrap(lua_State *L, const char *name, lua_CFunction own) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, own, 1);
    lua_setfield(L, -2, name);
}

/* The string library's table is on the top. */
void clb_strings(lua_State *L) {
    static const char *const plain[] = {"byte", "char",    "find",   "gmatch", "gsub",  "len", "lower", "match",
                                        "pack", "packsize", "reverse", "sub",  "unpack", "upper", NULL};
    for (int i = 0; plain[i]; i++) wrap(L, plain[i], charged);
    wrap(L, "rep", own_rep);
    wrap(L, "format", own_format);
}
