#include "internal.h"

/* A file of tests: it says test("name", function(t) … end), and t and all that comes from it are handles whose names
 * are looked up here. A supervisor is told at its start that it loads tests, never by a frame. */
const char clb_key_tests, clb_key_methods;

static int add_test(lua_State *L) {
    clb_state *s = state_of(L);
    if (!s->loading) trapf(s, "api.load", NULL, "call it at the top of the file", "test is called while a test runs");
    if (lua_gettop(L) != 2 || lua_type(L, 1) != LUA_TSTRING || lua_type(L, 2) != LUA_TFUNCTION) {
        trapf(s, "api.type", "test(\"what must be true\", function(t) … end)", NULL, "test: a name and a function");
    }
    size_t count;
    const char *name = lua_tolstring(L, 1, &count);
    if (!count || !clb_valid_text((const uint8_t *)name, count)) {
        trapf(s, "api.text", "valid UTF-8 without NUL", NULL, "test: the name is not text");
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_tests);
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, clb_line(L));
    lua_setfield(L, -2, "line");
    lua_Integer number = (lua_Integer)lua_rawlen(L, -2) + 1;
    lua_rawseti(L, -2, number);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_descriptor);
    lua_pushfstring(L, "%I", number);
    lua_pushvalue(L, 2);
    lua_rawset(L, -3);
    return 0;
}

/* handle.name: a method, or what a property's own call answers. */
static int index_handle(lua_State *L) {
    clb_state *s = state_of(L);
    const uint32_t *handle = lua_touserdata(L, 1);
    if (lua_type(L, 2) != LUA_TSTRING) return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_methods);
    const char *kind = "?";
    if (lua_rawgeti(L, -1, (lua_Integer)handle[1] + 1) == LUA_TTABLE) {
        lua_getfield(L, -1, "?");
        kind = lua_tostring(L, -1);
        lua_pop(L, 1);
        lua_pushvalue(L, 2);
        int type = lua_rawget(L, -2);
        if (type == LUA_TFUNCTION) return 1;
        if (type == LUA_TTABLE) {
            lua_rawgeti(L, -1, 1);
            lua_pushvalue(L, 1);
            lua_call(L, 1, 1);
            return 1;
        }
    }
    char whole[160];
    int length = snprintf(whole, sizeof whole, "%s.%.64s", kind, lua_tostring(L, 2));
    s->host.missing(s->host.context, (const uint8_t *)whole, (size_t)length);
    _exit(CLB_EXIT_PANIC);
}

static int set_tests(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clb_key_tests);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clb_key_methods);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clb_key_descriptor);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_handle);
    lua_pushcfunction(L, index_handle);
    lua_setfield(L, -2, "__index");
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushliteral(L, "test");
    lua_pushcfunction(L, add_test);
    lua_rawset(L, -3);
    return 0;
}

void clb_set_tests(clb_state *s) {
    s->tests = 1;
    lua_pushcfunction(s->L, set_tests);
    if (lua_pcall(s->L, 0, 0, 0) != LUA_OK) clb_no_memory(s);
    lua_settop(s->L, 0);
}

struct method {
    const uint8_t *kind, *name;
    size_t kind_count, name_count;
    uint32_t generation, row;
    int property;
};

static int bind_method(lua_State *L) {
    const struct method *method = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clb_key_methods);
    lua_Integer place = (lua_Integer)method->generation + 1;
    if (lua_rawgeti(L, -1, place) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushlstring(L, (const char *)method->kind, method->kind_count);
        lua_setfield(L, -2, "?");
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, place);
    }
    lua_pushlstring(L, (const char *)method->name, method->name_count);
    lua_pushinteger(L, method->row);
    lua_pushlstring(L, (const char *)method->kind, method->kind_count);
    lua_pushliteral(L, ".");
    lua_pushlstring(L, (const char *)method->name, method->name_count);
    lua_concat(L, 3);
    lua_pushboolean(L, 0);
    lua_pushcclosure(L, clb_host_call, 3);
    if (method->property) {
        lua_createtable(L, 1, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
    }
    lua_rawset(L, -3);
    return 0;
}

void clb_bind_method(clb_state *s, const uint8_t *kind, size_t kind_count, const uint8_t *name, size_t name_count,
                     uint32_t generation, uint32_t row, int property) {
    struct method method = {kind, name, kind_count, name_count, generation, row, property};
    lua_settop(s->L, 0);
    lua_pushcfunction(s->L, bind_method);
    lua_pushlightuserdata(s->L, &method);
    if (lua_pcall(s->L, 1, 0, 0) != LUA_OK) clb_no_memory(s);
    lua_settop(s->L, 0);
}

/* A rule such as { "create", code = 1 }: what has positions is put under the name args. */
void clb_split_mixed(lua_State *L, int index) {
    lua_newtable(L);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, index);) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -5);
        } else {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -4);
        }
    }
    lua_setfield(L, -2, "args");
}
