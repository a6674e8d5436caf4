#include "internal.h"

/* A false length makes the library loop for ever in one call. */
static void plain_table(lua_State *L, const char *name, uint64_t each) {
    luaL_checktype(L, 1, LUA_TTABLE);
    static const char *const fields[] = {"__len", "__index", "__newindex"};
    for (int i = 0; i < 3; i++) {
        if (luaL_getmetafield(L, 1, fields[i]) != LUA_TNIL) {
            trapf(state_of(L), "api.type", "a plain table", NULL, "table.%s: the table has %s", name, fields[i]);
        }
    }
    clb_charge(state_of(L), lua_rawlen(L, 1) * each);
}

static int forward(lua_State *L) {
    lua_CFunction original = lua_tocfunction(L, lua_upvalueindex(1));
    return original(L);
}

static int own_insert(lua_State *L) {
    plain_table(L, "insert", lua_gettop(L) > 2);
    return forward(L);
}

static int own_remove(lua_State *L) {
    plain_table(L, "remove", lua_gettop(L) > 1);
    return forward(L);
}

static int own_sort(lua_State *L) {
    plain_table(L, "sort", 16);
    return forward(L);
}

static int own_concat(lua_State *L) {
    plain_table(L, "concat", 1);
    return forward(L);
}

static uint64_t span(lua_Integer first, lua_Integer last) {
    return last < first ? 0 : (uint64_t)last - (uint64_t)first;
}

static int own_move(lua_State *L) {
    clb_charge(state_of(L), span(luaL_checkinteger(L, 2), luaL_checkinteger(L, 3)));
    return forward(L);
}

/* A range too wide for the stack is the library's own error, before any work. */
static int own_unpack(lua_State *L) {
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = luaL_opt(L, luaL_checkinteger, 3, luaL_len(L, 1));
    uint64_t wide = span(first, last);
    if (wide <= 1000000) clb_charge(state_of(L), wide);
    return forward(L);
}

static void wrap(lua_State *L, const char *name, lua_CFunction own) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, own, 1);
    lua_setfield(L, -2, name);
}

/* The table library's table is on the top. */
void clb_tables(lua_State *L) {
    wrap(L, "insert", own_insert);
    wrap(L, "remove", own_remove);
    wrap(L, "sort", own_sort);
    wrap(L, "concat", own_concat);
    wrap(L, "move", own_move);
    wrap(L, "unpack", own_unpack);
}
