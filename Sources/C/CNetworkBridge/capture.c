// Rules and routes of a namespace whose connections are captured. The rules are put in place by libnftables, which is
// opened with the first of them: it brings seven libraries along, and most hosts never capture anything.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/close_range.h>
#include <nftables/libnftables.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inside.h"
#include "interface.h"

static struct {
    struct nft_ctx *(*make)(uint32_t);
    int (*buffer_error)(struct nft_ctx *);
    int (*run)(struct nft_ctx *, const char *);
    const char *(*words)(struct nft_ctx *);
    void (*free)(struct nft_ctx *);
} library;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char load_error[256];
// One context is one thread's, and what all of them share in there is guarded by nobody.
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

static void load(void) {
    void *handle = dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        snprintf(load_error, sizeof load_error, "%s", dlerror());
        return;
    }
    const struct { const char *name; void **place; } wanted[] = {
        {"nft_ctx_new", (void **)&library.make},
        {"nft_ctx_buffer_error", (void **)&library.buffer_error},
        {"nft_run_cmd_from_buffer", (void **)&library.run},
        {"nft_ctx_get_error_buffer", (void **)&library.words},
        {"nft_ctx_free", (void **)&library.free},
    };
    for (size_t index = 0; index < sizeof wanted / sizeof wanted[0]; index++) {
        *wanted[index].place = dlsym(handle, wanted[index].name);
        if (*wanted[index].place) continue;
        snprintf(load_error, sizeof load_error, "libnftables.so.1 has no %s", wanted[index].name);
        return;
    }
}

const char *csh_network_rules_missing(void) {
    pthread_once(&once, load);
    return load_error[0] ? load_error : NULL;
}

struct capture {
    const char *path;
    const char *rules;
    char *words;
    size_t size;
    int has_interface;
    const char *gateway;
    const char *source;
    csh_network_failure failure;
};

static csh_network_failure put_rules(struct capture *capture) {
    csh_network_failure failure = {.error = 0, .call = ""};
    struct nft_ctx *context = library.make(NFT_CTX_DEFAULT);
    if (!context) return (csh_network_failure){.error = ENOMEM, .call = "nft_ctx_new"};
    library.buffer_error(context);
    if (library.run(context, capture->rules) != 0) {
        failure = (csh_network_failure){.error = EINVAL, .call = "nft"};
        snprintf(capture->words, capture->size, "%s", library.words(context));
    }
    library.free(context);
    return failure;
}

static void *capture_body(void *argument) {
    struct capture *capture = argument;
    int control = csh_enter_and_make(capture->path, SOCK_STREAM, &capture->failure);
    if (control < 0) return NULL;
    close(control);
    if (capture->rules) {
        // The library waits with select(2) and ends the process where its socket has a number above 1023. This thread
        // has a table of descriptors of its own from here, with nothing in it but the first three; what others hold of
        // the process's own they keep.
        if (close_range(3, ~0U, CLOSE_RANGE_UNSHARE) != 0) {
            capture->failure = (csh_network_failure){.error = errno, .call = "close_range"};
            return NULL;
        }
        pthread_mutex_lock(&guard);
        capture->failure = put_rules(capture);
        pthread_mutex_unlock(&guard);
    } else {
        capture->failure = csh_interface_route(capture->has_interface, capture->gateway, capture->source);
    }
    return NULL;
}

csh_network_failure csh_network_rule(const char *path, const char *rules, char *words, size_t size) {
    words[0] = 0;
    const char *missing = csh_network_rules_missing();
    if (missing) {
        snprintf(words, size, "%s", missing);
        return (csh_network_failure){.error = ENOSYS, .call = "dlopen"};
    }
    struct capture capture = {.path = path, .rules = rules, .words = words, .size = size};
    // Its parser needs more room than a system call does.
    csh_network_failure failure = csh_on_own_thread(capture_body, &capture, 2 << 20);
    return failure.error ? failure : capture.failure;
}

csh_network_failure csh_network_route(const char *path, int has_interface, const char *gateway, const char *source) {
    struct capture capture = {.path = path, .has_interface = has_interface, .gateway = gateway, .source = source};
    csh_network_failure failure = csh_on_own_thread(capture_body, &capture, 64 * 1024);
    return failure.error ? failure : capture.failure;
}
