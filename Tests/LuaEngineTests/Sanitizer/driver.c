/* Drives the bridge under AddressSanitizer: every attack at every byte limit, and the three fuzz targets of the sandbox
 * rules. Each run is a child, since a trap ends its process; a signal or a report of the sanitizer fails.
 *
 * driver sweep FIRST LAST STEP FILE...   each file under memory limits of so many bytes
 * driver fuzz TARGET RUNS SEED FILE...   load | values | replies
 * driver broken                          writes past an allocation: proves that a fault is seen
 */
#include "CLuaBridge.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static clb_state *state;
static uint64_t seed;
static int null_descriptor;
static uint8_t reply[1 << 16];
static size_t reply_count;
static const uint8_t *seen;
static size_t seen_count;

static uint64_t next(void) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed;
}

static uint64_t below(uint64_t n) { return next() % n; }

static void on_call(void *c, uint32_t row, const uint8_t *arguments, size_t count, uint32_t line) {
    (void)c, (void)row, (void)line;
    /* Read every byte: what the encoder left unset or short, the sanitizer sees. */
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += arguments[i];
    seen = arguments, seen_count = count + (sum & 0);
    clb_set_reply(state, (const uint8_t *)"ok", 2, reply, reply_count);
}

static void on_log(void *c, const uint8_t *t, size_t n, uint32_t l) { (void)c, (void)t, (void)n, (void)l; }

static void on_end(void *c, const uint8_t *t, size_t n) {
    (void)c, (void)t, (void)n;
    _exit(CLB_EXIT_TRAP);
}

static void on_release(void *c, uint32_t i, uint32_t g, uint32_t l) { (void)c, (void)i, (void)g, (void)l; }

static void on_finish(void *c, const uint8_t *t, size_t n, const uint8_t *v, size_t vn) {
    (void)v, (void)vn;
    on_end(c, t, n);
}

static clb_state *open_state(size_t memory) {
    clb_host host = {NULL, on_call, on_log, on_finish, on_end, on_release, on_end};
    state = clb_open(memory, 300000, null_descriptor, host);
    return state;
}

static void put8(uint8_t b) {
    if (reply_count < sizeof reply) reply[reply_count++] = b;
}

static void put32(uint32_t n) {
    for (int i = 0; i < 4; i++) put8((uint8_t)(n >> (8 * i)));
}

/* A value in the host's own encoding, right by construction: the decoder trusts the host's encoder, and only that. */
static void put_value(int depth) {
    uint64_t kind = below(depth > 4 ? 7 : 10);
    switch (kind) {
    case 0: case 1: case 2: put8((uint8_t)kind); return;
    case 3: case 4: put8((uint8_t)kind); for (int i = 0; i < 8; i++) put8((uint8_t)next()); return;
    case 5: case 6: {
        uint32_t n = (uint32_t)below(40);
        put8((uint8_t)kind), put32(n);
        for (uint32_t i = 0; i < n; i++) put8(kind == 5 ? 'a' : (uint8_t)next());
        return;
    }
    case 7: {
        uint32_t n = (uint32_t)below(5);
        put8(7), put32(n);
        for (uint32_t i = 0; i < n; i++) put_value(depth + 1);
        return;
    }
    case 8: {
        uint32_t n = (uint32_t)below(5);
        put8(8), put32(n);
        for (uint32_t i = 0; i < n; i++) put32(1), put8((uint8_t)('a' + i)), put_value(depth + 1);
        return;
    }
    default: put8(9), put32((uint32_t)next()), put32((uint32_t)next()); return;
    }
}

static void put_list(void) {
    reply_count = 0;
    uint32_t n = (uint32_t)below(4);
    put8(7), put32(n);
    for (uint32_t i = 0; i < n; i++) put_value(1);
    if (reply_count == sizeof reply) reply_count = 0, put8(7), put32(0);
}

static const uint8_t empty[] = {8, 0, 0, 0, 0};
static uint8_t actor[256];
static size_t actor_count;

static void put_name(const char *name) {
    put32((uint32_t)strlen(name));
    for (; *name; name++) put8((uint8_t)*name);
}

static void put_path(const char *key, const char *inner, const char *path) {
    put_name(key), put8(8), put32(1), put_name(inner), put8(5), put_name(path);
}

/* What a verb needs to come as far as its host calls. */
static void make_actor(void) {
    reply_count = 0, put8(8), put32(2);
    put_path("dirs", "work", "/w"), put_path("tools", "allowed", "/bin/allowed");
    memcpy(actor, reply, reply_count);
    actor_count = reply_count, reply_count = 0;
}

static const struct { const char *name; int record; } functions[] = {
    {"process.run", 1}, {"process.start", 1}, {"process.wait", 0}, {"file.write", 0},
    {"workload.start", 1}, {"clock.left", 0}, {"clock.sleep", 0}, {"http.request", 1},
};

static void run_source(const uint8_t *source, size_t count) {
    clb_set_file(state, (const uint8_t *)"fuzz.lua", 8);
    clb_load(state, source, count);
    for (uint32_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        clb_bind(state, (const uint8_t *)functions[i].name, strlen(functions[i].name), i, functions[i].record);
    }
    clb_run(state, (const uint8_t *)"run", 3, actor, actor_count, empty, sizeof empty);
    size_t n;
    clb_output(state, &n);
    clb_close(state);
    _exit(0);
}

/* 0 when the child ended in order: by itself, or by a trap. */
static int ended_badly(pid_t child, const char *what, unsigned long long number) {
    int status;
    while (waitpid(child, &status, 0) < 0) {}
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CLB_EXIT_TRAP)) return 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return 0; /* the deadline, which some are to meet */
    fprintf(stderr, "%s %llu: wait status %x\n", what, number, status);
    return 1;
}

static uint8_t *file_bytes(const char *path, size_t *count) {
    static const char head[] = "local function attack(...)\n";
    static const char tail[] = "\nend\nreturn { run = function(...) attack(...) return \"ok\" end }\n";
    FILE *file = fopen(path, "rb");
    if (!file) exit(2);
    uint8_t *bytes = malloc(1 << 20);
    const char *name = strrchr(path, '/');
    /* From 600 on a file is a whole backend; below, the body of a verb. */
    int whole = name && name[1] == '6';
    *count = 0;
    if (!whole) memcpy(bytes, head, *count = sizeof head - 1);
    *count += fread(bytes + *count, 1, (1 << 20) - 4096, file);
    if (!whole) {
        memcpy(bytes + *count, tail, sizeof tail - 1);
        *count += sizeof tail - 1;
    }
    fclose(file);
    return bytes;
}

static int sweep(int count, char **arguments) {
    size_t first = strtoul(arguments[0], NULL, 10), last = strtoul(arguments[1], NULL, 10);
    size_t step = strtoul(arguments[2], NULL, 10);
    int bad = 0;
    unsigned long long runs = 0;
    for (int i = 3; i < count; i++) {
        size_t length;
        uint8_t *bytes = file_bytes(arguments[i], &length);
        for (size_t limit = first; limit <= last; limit += step, runs++) {
            pid_t child = fork();
            if (child == 0) {
                alarm(5);
                reply_count = 0, put8(7), put32(0);
                /* The state itself is made with room: a host that cannot make one starts no verb. */
                if (!open_state(1 << 20)) _exit(2);
                clb_limit(state, limit, 300000, 0);
                run_source(bytes, length);
            }
            bad += ended_badly(child, arguments[i], limit);
        }
        free(bytes);
    }
    printf("sweep: %llu runs, %d bad\n", runs, bad);
    return bad != 0;
}

/* (a) Bytes to the loader: the attacks, mutated and spliced. */
static void fuzz_load(int files, uint8_t **bytes, const size_t *lengths) {
    static uint8_t source[(1 << 20) + 1];
    size_t count = 0, pick = below((uint64_t)files);
    memcpy(source, bytes[pick], lengths[pick]);
    count = lengths[pick];
    for (uint64_t edits = below(8); edits-- > 0 && count > 8;) {
        size_t at = below(count), other = below((uint64_t)files), from = below(lengths[other]);
        size_t length = below(40);
        if (length > lengths[other] - from) length = lengths[other] - from;
        if (length > count - at) length = count - at;
        if (below(2)) memcpy(source + at, bytes[other] + from, length);
        else source[at] = (uint8_t)next();
    }
    put_list();
    run_source(source, count);
}

static size_t write_value(char *to, size_t room, int depth) {
    static const char *const leaves[] = {"nil", "true", "false", "1", "-9223372036854775808", "1.5", "0/0", "\"\\xff\\0\"",
                                         "(\"x\"):rep(300)", "print", "t", "setmetatable({}, {})", "host", "\"\\u{10ffff}\""};
    if (room < 400) return (size_t)snprintf(to, room, "1");
    if (depth > 5 || below(3) == 0) return (size_t)snprintf(to, room, "%s", leaves[below(sizeof leaves / sizeof *leaves)]);
    size_t used = (size_t)snprintf(to, room, "{");
    for (uint64_t n = below(5); n-- > 0 && room - used > 500;) {
        switch (below(5)) {
        case 0: used += (size_t)snprintf(to + used, room - used, "[%d]=", (int)below(6)); break;
        case 1: used += (size_t)snprintf(to + used, room - used, "k%d=", (int)below(4)); break;
        case 2: used += (size_t)snprintf(to + used, room - used, "[\"\\xff%d\"]=", (int)below(4)); break;
        default: break;
        }
        used += write_value(to + used, room - used - 4, depth + 1);
        used += (size_t)snprintf(to + used, room - used, ",");
    }
    return used + (size_t)snprintf(to + used, room - used, "}");
}

/* (b) Random values through the marshaller; what it lets pass comes back through the decoder and must be the same. */
static void on_echo(void *c, uint32_t row, const uint8_t *arguments, size_t count, uint32_t line) {
    (void)c, (void)row, (void)line;
    static uint8_t first[1 << 20];
    static size_t first_count;
    if (!first_count) {
        if (count > sizeof first || count < 5) _exit(0);
        memcpy(first, arguments, count);
        first_count = count;
        /* Function handles come back as handles, which the second encoding writes alike. */
        clb_set_reply(state, (const uint8_t *)"ok", 2, first, first_count);
        return;
    }
    if (count != first_count || memcmp(first, arguments, count)) _exit(41);
    _exit(0);
}

static void fuzz_values(void) {
    static char source[20000];
    int used = snprintf(source, sizeof source, "return { run = function()\nlocal t = {1, 2}\nlocal _, v = host.process.run(");
    used += (int)write_value(source + used, 8000, 0);
    used += snprintf(source + used, sizeof source - (size_t)used, ")\nhost.process.run(v)\nreturn \"ok\" end }");
    run_source((const uint8_t *)source, (size_t)used);
}

/* (c) Replies: values that the host may send, made strict tables of the language and walked by a script. */
static void fuzz_replies(void) {
    static const char source[] =
        "local function walk(v, n) if type(v) == \"table\" and n < 20 then for k, e in pairs(v) do walk(e, n + 1) end end\n"
        "local _ = tostring(v) return v end\n"
        "return { run = function(actor, request)\n"
        "for i = 1, 5 do local s, a, b, c = host.process.run {} walk(a, 0) walk(b, 0) walk(c, 0) end\n"
        "return \"ok\" end }";
    put_list();
    run_source((const uint8_t *)source, sizeof source - 1);
}

/* (d) Bytes that are nearly JSON: read, and what was read is written and read again. */
static void fuzz_json(void) {
    static const char *const parts[] = {"{", "}", "[", "]", ",", ":", "\\34a\\34", "\\34\\\\u00e9\\34", "\\34\\\\ud83d\\\\ude00\\34",
                                        "\\34", "1", "-0.5e3", "null", "true", "false", " ", "1e999", "\\255", "\\0", "\\\\"};
    static char source[20000];
    size_t used = (size_t)snprintf(source, sizeof source, "return { run = function()\nlocal s, v = json.decode(\"");
    for (uint64_t i = below(60); i > 0; i--) {
        used += (size_t)snprintf(source + used, sizeof source - used, "%s", parts[below(sizeof parts / sizeof *parts)]);
    }
    snprintf(source + used, sizeof source - used,
             "\")\nif s == \"ok\" then local t = json.encode(v) local s2, w = json.decode(t)\n"
             "while s2 ~= \"ok\" or json.encode(w) ~= t do end end\nreturn \"ok\" end }");
    run_source((const uint8_t *)source, strlen(source));
}

static int fuzz(int count, char **arguments) {
    const char *target = arguments[0];
    unsigned long long runs = strtoull(arguments[1], NULL, 10), start = strtoull(arguments[2], NULL, 10);
    int files = count - 3, bad = 0;
    uint8_t **bytes = calloc((size_t)files + 1, sizeof *bytes);
    size_t *lengths = calloc((size_t)files + 1, sizeof *lengths);
    for (int i = 0; i < files; i++) bytes[i] = file_bytes(arguments[3 + i], &lengths[i]);
    for (unsigned long long run = 0; run < runs; run++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(5);
            seed = (start + run) * 0x9e3779b97f4a7c15u | 1;
            next();
            reply_count = 0, put8(7), put32(0);
            clb_host host = {NULL,      target[0] == 'v' ? on_echo : on_call, on_log, on_finish, on_end,
                             on_release, on_end};
            state = clb_open(8 << 20, 300000, null_descriptor, host);
            if (!state) _exit(2);
            switch (target[0]) {
            case 'l': fuzz_load(files, bytes, lengths);
            /* fall through */
            case 'v': fuzz_values();
            /* fall through */
            case 'j': fuzz_json();
            /* fall through */
            default: fuzz_replies();
            }
        }
        bad += ended_badly(child, target, start + run);
    }
    printf("fuzz %s: %llu runs, %d bad\n", target, runs, bad);
    for (int i = 0; i < files; i++) free(bytes[i]);
    free(bytes);
    free(lengths);
    return bad != 0;
}

static int broken(void) {
    pid_t child = fork();
    if (child == 0) {
        volatile char *bytes = malloc(8);
        bytes[8] = 1;
        free((void *)bytes);
        _exit(0);
    }
    return ended_badly(child, "broken", 1);
}

int main(int count, char **arguments) {
    null_descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    make_actor();
    if (count > 5 && strcmp(arguments[1], "sweep") == 0) return sweep(count - 2, arguments + 2);
    if (count > 4 && strcmp(arguments[1], "fuzz") == 0) return fuzz(count - 2, arguments + 2);
    if (count == 2 && strcmp(arguments[1], "broken") == 0) return broken();
    fprintf(stderr, "usage: driver sweep FIRST LAST STEP FILE... | driver fuzz load|values|json|replies RUNS SEED FILE...\n");
    return 2;
}
