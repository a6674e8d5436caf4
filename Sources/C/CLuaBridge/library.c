#include "internal.h"

static int own_pcall(lua_State *L) {
    luaL_checkany(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    lua_pushboolean(L, status == LUA_OK);
    lua_insert(L, 1);
    return lua_gettop(L);
}

static int own_xpcall(lua_State *L) {
    int count = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_insert(L, 1); /* handler, f, handler, arguments */
    lua_remove(L, 3);
    int status = lua_pcall(L, count - 2, LUA_MULTRET, 1);
    lua_pushboolean(L, status == LUA_OK);
    lua_replace(L, 1);
    return lua_gettop(L);
}

static int own_setmetatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    int type = lua_type(L, 2);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
    if (type == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL) {
            trapf(state_of(L), "api.finalizer", NULL, "the host cleans up after every verb", "setmetatable: __gc is not served");
        }
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int own_getmetatable(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_type(L, 1) != LUA_TTABLE || !lua_getmetatable(L, 1)) return 0;
    luaL_getmetafield(L, 1, "__metatable");
    return 1;
}

/* Pushes a text without any address. */
void clb_tostring(lua_State *L, int index) {
    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TNIL: case LUA_TBOOLEAN: case LUA_TNUMBER: case LUA_TSTRING: luaL_tolstring(L, index, NULL); return;
    case LUA_TUSERDATA: {
        const uint32_t *handle = clb_handle(L, index);
        /* The first bit of an index says what it is: PluginHandle.assetMark. */
        if (handle)
            lua_pushfstring(L, "handle<%s:%d.%d>", handle[0] >> 31 ? "asset" : "process", (int)(handle[0] & 0x7fffffff),
                            (int)handle[1]);
        else lua_pushliteral(L, "userdata");
        return;
    }
    case LUA_TLIGHTUSERDATA: lua_pushliteral(L, "null"); return; /* json.null is the only one there is */
    case LUA_TTABLE:
        if (luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
            lua_pushvalue(L, index);
            lua_call(L, 1, 1);
            if (!lua_isstring(L, -1)) luaL_error(L, "'__tostring' must return a string");
            return;
        }
        break;
    default: break;
    }
    lua_pushstring(L, luaL_typename(L, index));
}

static int own_tostring(lua_State *L) {
    luaL_checkany(L, 1);
    clb_tostring(L, 1);
    return 1;
}

static int own_print(lua_State *L) {
    clb_state *s = state_of(L);
    if (s->loading) trapf(s, "api.load", NULL, "print in a verb, or in a test", "print is not there while the file loads");
    static char line[MAX_LINE];
    size_t used = 0;
    int count = lua_gettop(L);
    clb_charge(s, GRAIN * 16);
    for (int i = 1; i <= count; i++) {
        clb_tostring(L, i);
        size_t length;
        const char *bytes = lua_tolstring(L, -1, &length);
        s->logged += length + 1;
        if (s->logged > MAX_LOG) {
            trapf(s, "budget.log", "at most 1 MiB in one verb", "print less", "the log of this verb is full");
        }
        if (i > 1 && used < sizeof line) line[used++] = '\t';
        if (length > sizeof line - used) length = sizeof line - used;
        memcpy(line + used, bytes, length);
        used += length;
        lua_pop(L, 1);
    }
    s->host.log(s->host.context, (const uint8_t *)line, used, clb_line(L));
    return 0;
}

static int read_only(lua_State *L) {
    trapf(state_of(L), "api.readonly", NULL, "keep it in a local of yours", "%s is read-only",
          lua_tostring(L, lua_upvalueindex(1)));
}

/* Takes the hidden table from the stack's top and leaves a read-only view of it. */
void clb_view(lua_State *L, const char *name) {
    lua_newtable(L);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_pushcclosure(L, read_only, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

static const char *const kept[] = {"assert", "error",  "ipairs", "next",     "pairs",    "rawequal", "rawget",
                                   "rawlen", "rawset", "select", "tonumber", "type", "_VERSION", NULL};

static const luaL_Reg own[] = {{"pcall", own_pcall},
                               {"xpcall", own_xpcall},
                               {"setmetatable", own_setmetatable},
                               {"getmetatable", own_getmetatable},
                               {"tostring", own_tostring},
                               {"print", own_print},
                               {"try", clb_try},
                               {"require", clb_require},
                               {NULL, NULL}};

static int host_at_load(lua_State *L) {
    clb_state *s = state_of(L);
    if (s->loading && lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "host") == 0) {
        trapf(s, "api.load", NULL, "move the call into a verb: loading only describes the backend",
              "host is not there while the file loads");
    }
    return 0;
}

static void open_library(lua_State *L, lua_CFunction open) {
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
}

static void drop(lua_State *L, const char *name) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
}

/* A fresh table with what is allowed takes the globals' place in the registry; nothing richer is left anywhere. */
void clb_make_environment(lua_State *L) {
    lua_newtable(L);
    int env = lua_gettop(L);
    open_library(L, luaopen_base);
    for (int i = 0; kept[i]; i++) {
        lua_getfield(L, -1, kept[i]);
        lua_setfield(L, env, kept[i]);
    }
    lua_pop(L, 1);
    lua_pushvalue(L, env);
    luaL_setfuncs(L, own, 0);
    lua_pop(L, 1);
    open_library(L, luaopen_string);
    drop(L, "dump");
    clb_strings(L);
    lua_pushliteral(L, ""); /* methods of strings: the hidden table, so that a rawset on the view changes nothing */
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
    clb_view(L, "string");
    lua_setfield(L, env, "string");
    open_library(L, luaopen_table);
    clb_tables(L);
    clb_view(L, "table");
    lua_setfield(L, env, "table");
    open_library(L, luaopen_math);
    /* The last eight are there only where the library was built to be like 5.1. */
    static const char *const dropped[] = {"random", "randomseed", "atan2", "pow",   "cosh",
                                          "sinh",   "tanh",       "frexp", "ldexp", "log10"};
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) drop(L, dropped[i]);
    clb_view(L, "math");
    lua_setfield(L, env, "math");
    open_library(L, luaopen_utf8);
    clb_view(L, "utf8");
    lua_setfield(L, env, "utf8");
    clb_json(L);
    clb_view(L, "json");
    lua_setfield(L, env, "json");
    lua_pushvalue(L, env);
    lua_setfield(L, env, "_G");
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, host_at_load);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, env);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}
