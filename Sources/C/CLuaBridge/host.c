#include "internal.h"

int clb_host_call(lua_State *L) {
    clb_state *s = state_of(L);
    uint32_t row = (uint32_t)lua_tointeger(L, lua_upvalueindex(1));
    uint32_t line = clb_line(L);
    clb_charge(s, GRAIN * 16);
    s->output.count = 0;
    clb_encode_arguments(L, &s->output, lua_tostring(L, lua_upvalueindex(2)), lua_toboolean(L, lua_upvalueindex(3)));
    s->host.call(s->host.context, row, s->output.bytes, s->output.count, line);
    /* Swift is gone from the stack; the reply is in a buffer of the state's, so nothing leaks if this traps. */
    lua_settop(L, 0);
    if (!s->reply_status.count) return clb_decode_list(L, s->reply.bytes, s->reply.count);
    lua_pushlstring(L, (const char *)s->reply_status.bytes, s->reply_status.count);
    return 1 + clb_decode_list(L, s->reply.bytes, s->reply.count);
}

int clb_try(lua_State *L) {
    clb_state *s = state_of(L);
    if (lua_type(L, 1) != LUA_TSTRING) {
        trapf(s, "api.type", "a status, as host functions answer it first", NULL, "try: the first value is a %s",
              luaL_typename(L, 1));
    }
    size_t count;
    const char *status = lua_tolstring(L, 1, &count);
    if (count == 2 && memcmp(status, "ok", 2) == 0) return lua_gettop(L) - 1;
    if (s->loading) trapf(s, "api.load", NULL, "move the call into a verb", "try is not there while the file loads");
    lua_settop(L, 2);
    s->output.count = 0;
    clb_encode_one(L, &s->output, 2, ENCODE_RESULT);
    s->host.finish(s->host.context, (const uint8_t *)status, count, s->output.bytes, s->output.count);
    _exit(CLB_EXIT_PANIC);
}

static int missing(lua_State *L) {
    clb_state *s = state_of(L);
    size_t count = 0;
    const char *module = lua_tostring(L, lua_upvalueindex(1));
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &count) : "?";
    char whole[160];
    int length = snprintf(whole, sizeof whole, "%s%s%.64s", module, *module ? "." : "", name);
    s->host.missing(s->host.context, (const uint8_t *)whole, (size_t)length);
    _exit(CLB_EXIT_PANIC);
}

/* Leaves a strict, read-only view over the table on the top: what is not there traps. */
static void strict_view(lua_State *L, const char *module) {
    lua_createtable(L, 0, 1);
    lua_pushstring(L, module);
    lua_pushcclosure(L, missing, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    char name[64];
    snprintf(name, sizeof name, "host%s%s", *module ? "." : "", module);
    clb_view(L, name);
}

struct binding {
    const uint8_t *name;
    size_t count;
    uint32_t row;
    int record;
};

/* Registry[host] is a plain table of modules until the verb begins. */
static int bind(lua_State *L) {
    const struct binding *binding = lua_touserdata(L, 1);
    const uint8_t *dot = memchr(binding->name, '.', binding->count);
    size_t module = dot ? (size_t)(dot - binding->name) : binding->count;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_host) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &clb_key_host);
    }
    lua_pushlstring(L, (const char *)binding->name, module);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushlstring(L, (const char *)binding->name, module);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    if (!dot) return 0;
    lua_pushlstring(L, (const char *)dot + 1, binding->count - module - 1);
    lua_pushinteger(L, binding->row);
    lua_pushlstring(L, (const char *)binding->name, binding->count);
    lua_pushboolean(L, binding->record);
    lua_pushcclosure(L, clb_host_call, 3);
    lua_rawset(L, -3);
    return 0;
}

void clb_bind(clb_state *s, const uint8_t *name, size_t count, uint32_t row, int record) {
    struct binding binding = {name, count, row, record};
    lua_settop(s->L, 0);
    lua_pushcfunction(s->L, clb_handler);
    lua_pushcfunction(s->L, bind);
    lua_pushlightuserdata(s->L, &binding);
    if (lua_pcall(s->L, 1, 0, 1) != LUA_OK) trapf(s, "script.depth", NULL, NULL, "the host functions were not made");
    lua_settop(s->L, 0);
}

void clb_make_host(lua_State *L) {
    lua_newtable(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_host) == LUA_TTABLE) {
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            const char *module = lua_tostring(L, -2);
            lua_pushvalue(L, -1);
            strict_view(L, module);
            lua_setfield(L, -5, module);
        }
    }
    lua_pop(L, 1);
    strict_view(L, "");
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushliteral(L, "host");
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 2);
}
