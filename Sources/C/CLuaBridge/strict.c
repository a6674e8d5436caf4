#include "internal.h"

/* What a verb receives is strict: a field that is not listed traps, a listed one that is absent is nil. */
typedef struct strict {
    const char *kind, *fields;
} strict;

#define SLOT "slot_id dirs network cgroup assets tools config probed devices processes"

static const strict table[] = {
    {"actor", SLOT " name uid atespace template containers volumes identity limits pause_image prepared state"},
    {"slot", SLOT},
    {"actor.dirs", "runtime bundles logs work"},
    {"actor.network", "namespace address gateway interface mtu tap"},
    {"actor.cgroup", "version path"},
    {"actor.limits", "cpu_milli memory_bytes pids"},
    {"actor.container", "name command env cwd user capabilities image ports root volumes limits"},
    {"actor.volume", "name path source read_only"},
    {"request.run", "timeout_ms"},
    {"request.stop", "grace_ms timeout_ms"},
    {"request.checkpoint", "scope grace_ms timeout_ms snapshot may_hold"},
    {"request.restore", "scope timeout_ms snapshot own_volumes"},
    {"request.exec", "container command tty env timeout_ms"},
    {"request.prepare", "timeout_ms"},
    {"request.probe", ""},
    {"request.recover", ""},
    {"request.stats", ""},
    {"request.snapshot", "dir files volumes_saved"},
};

static const struct { const char *kind, *key, *child; } children[] = {
    {"slot", "dirs", "actor.dirs"},
    {"slot", "network", "actor.network"},
    {"slot", "cgroup", "actor.cgroup"},
    {"actor", "dirs", "actor.dirs"},
    {"actor", "network", "actor.network"},
    {"actor", "cgroup", "actor.cgroup"},
    {"actor", "limits", "actor.limits"},
    {"actor", "containers", "actor.containers"},
    {"actor.containers", "[]", "actor.container"},
    {"actor.container", "volumes", "actor.volumes"},
    {"actor", "volumes", "actor.volumes"},
    {"actor.volumes", "[]", "actor.volume"},
    {"request.checkpoint", "snapshot", "request.snapshot"},
    {"request.restore", "snapshot", "request.snapshot"},
};

const char *clb_strict_child(const char *kind, const char *key, size_t count) {
    for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
        if (strcmp(children[i].kind, kind) == 0 && strlen(children[i].key) == count &&
            memcmp(children[i].key, key, count) == 0) {
            return children[i].child;
        }
    }
    return NULL;
}

static size_t distance(const char *a, size_t a_count, const char *b, size_t b_count) {
    if (a_count > 31 || b_count > 31) return 99;
    size_t row[33];
    for (size_t j = 0; j <= b_count; j++) row[j] = j;
    for (size_t i = 1; i <= a_count; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_count; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_count];
}

static int missing_field(lua_State *L) {
    clb_state *s = state_of(L);
    const strict *row = lua_touserdata(L, lua_upvalueindex(1));
    if (lua_type(L, 2) != LUA_TSTRING) return 0;
    size_t count, best = 4, nearest_count = 0;
    const char *name = lua_tolstring(L, 2, &count), *nearest = "";
    for (const char *at = row->fields; *at;) {
        size_t length = strcspn(at, " ");
        if (length == count && memcmp(at, name, count) == 0) return 0;
        size_t far = distance(name, count, at, length);
        if (far < best) {
            best = far;
            nearest = at;
            nearest_count = length;
        }
        at += length;
        while (*at == ' ') at++;
    }
    char mend[96] = "";
    if (nearest_count) snprintf(mend, sizeof mend, "; did you mean \"%.*s\"?", (int)nearest_count, nearest);
    char fields[400];
    size_t used = 0;
    for (const char *at = row->fields; *at && used < sizeof fields - 2; at++) {
        if (*at == ' ') fields[used++] = ',';
        fields[used++] = *at;
    }
    fields[used] = 0;
    const char *dot = strchr(row->kind, '.');
    const char *what = dot && strncmp(row->kind, "actor", 5) == 0 ? dot + 1 : "request";
    trapf(s, "api.name", used ? fields : NULL, NULL, "%s has no field \"%.64s\"%s", dot ? what : row->kind, name, mend);
}

void clb_make_strict(lua_State *L, const char *kind) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(table[i].kind, kind)) continue;
        lua_createtable(L, 0, 2);
        lua_pushlightuserdata(L, (void *)(uintptr_t)&table[i]);
        lua_pushcclosure(L, missing_field, 1);
        lua_setfield(L, -2, "__index");
        lua_pushliteral(L, "locked");
        lua_setfield(L, -2, "__metatable");
        lua_pushboolean(L, 1);
        lua_rawsetp(L, -2, &clb_key_locked);
        lua_setmetatable(L, -2);
        return;
    }
}
