#include "internal.h"

/* One module of the script's overlay; the host found it before the script was sent. */
struct clb_library {
    struct clb_library *next;
    uint8_t *source;
    size_t count;
    /* From 1, in the order of coming. */
    uint32_t number;
    enum { WAITING, LOADING, LOADED } stage;
    char name[128];
};

void clb_add_library(clb_state *s, const uint8_t *name, size_t name_count, const uint8_t *source, size_t count) {
    struct clb_library *library = calloc(1, sizeof *library);
    uint8_t *copy = malloc(count + 1);
    if (!library || !copy) clb_no_memory(s);
    if (name_count > sizeof library->name - 1) name_count = sizeof library->name - 1;
    memcpy(library->name, name, name_count);
    memcpy(copy, source, count);
    copy[count] = 0;
    library->source = copy;
    library->count = count;
    library->number = s->libraries ? s->libraries->number + 1 : 1;
    library->next = s->libraries;
    s->libraries = library;
}

void clb_free_libraries(clb_state *s) {
    while (s->libraries) {
        struct clb_library *library = s->libraries;
        s->libraries = library->next;
        free(library->source);
        free(library);
    }
}

struct clb_library *clb_library_of(clb_state *s, const char *chunk) {
    static const char prefix[] = "=lib/";
    size_t before = sizeof prefix - 1, length = strlen(chunk);
    if (length < before + 4 || memcmp(chunk, prefix, before)) return NULL;
    for (struct clb_library *library = s->libraries; library; library = library->next) {
        size_t name = strlen(library->name);
        if (length == before + name + 4 && !memcmp(chunk + before, library->name, name)) return library;
    }
    return NULL;
}

uint32_t clb_library_number(const struct clb_library *library) { return library->number; }

const char *clb_library_name(const struct clb_library *library) { return library->name; }

const uint8_t *clb_library_source(const struct clb_library *library, size_t *count) {
    *count = library->count;
    return library->source;
}

/* require "name": the module's value, made once. It is made while the file loads: a module is as pure as the file is. */
int clb_require(lua_State *L) {
    clb_state *s = state_of(L);
    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
        trapf(s, "api.type", "the name of a module in lib/, in quotes", NULL, "require takes one string, got %s",
              lua_gettop(L) ? luaL_typename(L, 1) : "nothing");
    }
    size_t length;
    const char *name = lua_tolstring(L, 1, &length);
    struct clb_library *library = s->libraries;
    while (library && (strlen(library->name) != length || memcmp(library->name, name, length))) library = library->next;
    /* An error and no trap: a script may ask with pcall whether a module is there. */
    if (!library) {
        return luaL_error(L, "there is no module \"%s\": write its name in quotes, and put it into lib/ of the same overlay",
                          name);
    }
    if (library->stage == LOADED) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, library);
        return 1;
    }
    if (!s->loading) {
        return luaL_error(L, "module \"%s\" is not loaded: modules are read while the file loads; require it at the top",
                          name);
    }
    if (library->stage == LOADING) {
        trapf(s, "load.module", NULL, "move what both need into a third module",
              "module \"%.100s\" requires itself, directly or through others", name);
    }
    char chunk[sizeof library->name + 16];
    snprintf(chunk, sizeof chunk, "=lib/%s.lua", library->name);
    if (luaL_loadbufferx(L, (const char *)library->source, library->count, chunk, "t") != LUA_OK) {
        trapf(s, "load.syntax", NULL, NULL, "require \"%.100s\": %.1500s", name, lua_tostring(L, -1));
    }
    library->stage = LOADING;
    lua_call(L, 0, 1);
    library->stage = LOADED;
    /* As in Lua: a module that returns nothing is true. */
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, library);
    return 1;
}
