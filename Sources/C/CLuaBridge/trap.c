#include "internal.h"
#include <errno.h>

typedef struct text {
    size_t count;
    char bytes[MAX_TRAP + 64];
} text;

/* Kept off the stack: a trap may come from a deep one. One process, one thread, one trap. */
static text message;

static void put(const char *bytes, size_t count) {
    size_t room = MAX_TRAP - message.count;
    if (count > room) count = room;
    memcpy(message.bytes + message.count, bytes, count);
    message.count += count;
}

__attribute__((format(printf, 1, 2))) static void putf(const char *format, ...) {
    char line[1800];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (count < 0) return;
    put(line, (size_t)count < sizeof line ? (size_t)count : sizeof line - 1);
}

static size_t sequence(const uint8_t *p, size_t n) {
    if (p[0] < 0x80) return p[0] ? 1 : 0;
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || length > n) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogates */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
    return length;
}

int clb_valid_text(const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t step = sequence(p + i, n - i);
        if (!step) return 0;
        i += step;
    }
    return 1;
}

static void store32(uint8_t *to, size_t n) {
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(n >> (8 * i));
}

/* The frame of kind 19: u32 length, kind, text code, text message. */
CLB_NORETURN static void send_trap(clb_state *s, const char *code, size_t code_count) {
    static uint8_t frame[MAX_TRAP + 256];
    if (code_count > 64) code_count = 64;
    if (message.count > 0 && message.count == MAX_TRAP) {
        /* Cut: never in the middle of a character. */
        while (message.count && (message.bytes[message.count - 1] & 0xc0) == 0x80) message.count--;
        if (message.count && (uint8_t)message.bytes[message.count - 1] >= 0xc0) message.count--;
    }
    for (size_t i = 0; i < message.count;) {
        size_t step = sequence((const uint8_t *)message.bytes + i, message.count - i);
        if (!step) message.bytes[i++] = '?';
        i += step;
    }
    store32(frame, 8 + code_count + message.count);
    frame[4] = 19;
    store32(frame + 5, code_count);
    memcpy(frame + 9, code, code_count);
    store32(frame + 9 + code_count, message.count);
    memcpy(frame + 13 + code_count, message.bytes, message.count);
    size_t total = 13 + code_count + message.count;
    for (size_t sent = 0; sent < total;) {
        ssize_t count = write(s->descriptor, frame + sent, total - sent);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        sent += (size_t)count;
    }
    _exit(CLB_EXIT_TRAP);
}

/* The file that the trap is about: the script, or a module of its overlay. */
static const char *here;
static const uint8_t *here_source;
static size_t here_count;

static void locate(clb_state *s, const char *chunk, struct clb_library *library) {
    here = library ? chunk + 1 : s->file;
    here_source = s->source;
    here_count = s->source_count;
    if (library) here_source = clb_library_source(library, &here_count);
}

/* The line of the author's innermost frame, or the last one known. */
static int find_line(clb_state *s, int may_walk, int *is_near) {
    lua_Debug ar;
    for (int level = 0; may_walk && s->L && level < 64 && lua_getstack(s->L, level, &ar); level++) {
        lua_getinfo(s->L, "Sl", &ar);
        if (ar.currentline <= 0) continue;
        locate(s, ar.source, clb_library_of(s, ar.source));
        *is_near = 0;
        return ar.currentline;
    }
    static char chunk[160];
    if (s->last_library) snprintf(chunk, sizeof chunk, "=lib/%s.lua", clb_library_name(s->last_library));
    locate(s, chunk, s->last_library);
    *is_near = 1;
    return s->last_line;
}

static clb_text source_line(int line) {
    const char *at = (const char *)here_source, *end = at + here_count;
    if (!at || line <= 0) return (clb_text){NULL, 0};
    for (int i = 1; i < line; i++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at) return (clb_text){NULL, 0};
        at++;
    }
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t count = (size_t)((stop ? stop : end) - at);
    return (clb_text){(const uint8_t *)at, count > 160 ? 160 : count};
}

static void put_source(int line) {
    clb_text text = source_line(line);
    if (text.count) putf("%5d | %.*s\n", line, (int)text.count, (const char *)text.bytes);
}

static int frame_line(lua_State *L, int level, lua_Debug *ar) {
    if (!lua_getstack(L, level, ar)) return -1;
    lua_getinfo(L, "Sl", ar);
    return ar->currentline > 0 ? ar->currentline : 0;
}

static void put_trace(clb_state *s) {
    lua_Debug ar;
    int shown = 0;
    for (int level = 0; level < 200 && shown < 6; level++) {
        int line = frame_line(s->L, level, &ar);
        if (line < 0) break;
        if (line == 0) continue;
        lua_getinfo(s->L, "nt", &ar);
        const char *file = clb_library_of(s, ar.source) ? ar.source + 1 : s->file;
        putf("%s%s:%d", shown++ ? " < " : "  trace     ", file, line);
        /* Called by us, or in the place of what we called: that is the verb. */
        lua_Debug below;
        if (!s->loading && s->verb[0] && !lua_getstack(s->L, level + 2, &below)) putf(" in %s", s->verb);
        else if (ar.name) putf(" in %.60s", ar.name);
    }
    if (shown) put("\n", 1);
}

static void put_part(const char *label, clb_text part) {
    if (!part.count) return;
    putf("  %-9s %.*s\n", label, (int)(part.count > 700 ? 700 : part.count), (const char *)part.bytes);
}

CLB_NORETURN static void trap(clb_state *s, clb_text code, clb_text words, clb_text expected, clb_text got,
                              clb_text mend, clb_text function, int may_walk) {
    message.count = 0;
    int near, line = find_line(s, may_walk, &near);
    if (line) putf("%s:%d: %s", here, line, near && !may_walk ? "near this line: " : "");
    else putf("%s: ", here);
    put((const char *)words.bytes, words.count > 2048 ? 2048 : words.count);
    put("\n", 1);
    put_source(line);
    put_part("expected", expected);
    put_part("got", got);
    put_part("mend", mend);
    if (may_walk && s->L) put_trace(s);
    putf("  [trap %.*s", (int)code.count, (const char *)code.bytes);
    if (function.count) putf(" %.*s", (int)function.count, (const char *)function.bytes);
    if (s->subject[0]) putf(" %s", s->subject);
    put("]", 1);
    send_trap(s, (const char *)code.bytes, code.count);
}

void clb_trap(clb_state *s, clb_text code, clb_text words, clb_text expected, clb_text got, clb_text mend,
              clb_text function) {
    trap(s, code, words, expected, got, mend, function, 1);
}

static clb_text text_of(const char *words) {
    return (clb_text){(const uint8_t *)words, words ? strlen(words) : 0};
}

void trapf(clb_state *s, const char *code, const char *expected, const char *mend, const char *format, ...) {
    static char words[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    trap(s, text_of(code), text_of(words), text_of(expected), text_of(NULL), text_of(mend), text_of(NULL), 1);
}

static int is_loop(clb_text text) {
    static const char *const words[] = {"while", "repeat", "for", "goto"};
    for (size_t at = 0; at < text.count; at++) {
        int starts = at == 0 || text.bytes[at - 1] == ' ' || text.bytes[at - 1] == '\t' || text.bytes[at - 1] == ';';
        if (text.count - at > 1 && text.bytes[at] == '-' && text.bytes[at + 1] == '-') return 0;
        for (size_t i = 0; starts && i < sizeof words / sizeof *words; i++) {
            size_t length = strlen(words[i]);
            if (text.count - at < length || memcmp(text.bytes + at, words[i], length)) continue;
            if (text.count - at == length || text.bytes[at + length] == ' ' || text.bytes[at + length] == '\t') return 1;
        }
    }
    return 0;
}

static size_t indentation(clb_text text) {
    size_t count = 0;
    while (count < text.count && (text.bytes[count] == ' ' || text.bytes[count] == '\t')) count++;
    return count;
}

/* The loop around a line, as its author laid it out: the nearest one above that is not further in. */
static int loop_around(int line) {
    size_t margin = indentation(source_line(line));
    for (int at = line; at > 0 && line - at < 200; at--) {
        clb_text text = source_line(at);
        if (indentation(text) == text.count || indentation(text) > margin) continue;
        if (is_loop(text)) return at;
    }
    return 0;
}

void clb_spinning(clb_state *s, const char *format, ...) {
    char words[128], loop[220];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    int near, start = loop_around(find_line(s, 1, &near));
    loop[0] = 0;
    if (start) {
        clb_text text = source_line(start);
        size_t margin = indentation(text);
        snprintf(loop, sizeof loop, "%.*s (line %d)", (int)(text.count - margin), (const char *)text.bytes + margin, start);
    }
    clb_text none = text_of(NULL);
    clb_text mend = text_of(s->loading ? "loading only describes the backend: compute in a verb"
                                       : "wait with process.wait or clock.sleep");
    trap(s, text_of("budget.instructions"), text_of(words), none, text_of(loop), mend, none, 1);
}

void clb_no_memory(clb_state *s) {
    if (s->closing) _exit(CLB_EXIT_PANIC);
    char words[96];
    const char *when = s->loading ? "while the file loads" : "in this verb";
    if (s->memory >> 20 && s->memory % (1 << 20) == 0) {
        snprintf(words, sizeof words, "%zu MiB of memory spent %s", s->memory >> 20, when);
    } else {
        snprintf(words, sizeof words, "%zu bytes of memory spent %s", s->memory, when);
    }
    clb_text none = text_of(NULL);
    trap(s, text_of("budget.memory"), text_of(words), none, none, text_of("keep less at a time"), none, 0);
}

/* The handler of every protected call of ours: an error that reached it is nobody's, so the verb ends here, with the
 * whole stack still in place. No metamethod of the error value is ever called. */
int clb_handler(lua_State *L) {
    clb_state *s = state_of(L);
    if (lua_type(L, 1) == LUA_TSTRING) {
        int near;
        find_line(s, 1, &near);
        size_t count, file = strlen(here);
        const char *words = lua_tolstring(L, 1, &count);
        /* "file:line: " is in front already where the trap will put it. */
        if (count > file + 1 && memcmp(words, here, file) == 0 && words[file] == ':') {
            const char *space = memchr(words, ' ', count);
            if (space) {
                count -= (size_t)(space + 1 - words);
                words = space + 1;
            }
        }
        s->host.error(s->host.context, (const uint8_t *)words, count > 2048 ? 2048 : count);
        _exit(CLB_EXIT_PANIC);
    }
    trapf(s, "script.error", NULL, NULL, "error object of type %s", luaL_typename(L, 1));
}
