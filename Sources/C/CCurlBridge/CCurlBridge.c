#include "CCurlBridge.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// With the argument checks of curl.h, calls through a pointer would not compile.
#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct {
    CURLcode (*global_init)(long);
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    CURLcode (*perform)(CURL *);
    void (*cleanup)(CURL *);
    void (*reset)(CURL *);
    const char *(*strerror)(CURLcode);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_all)(struct curl_slist *);
} library;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int loaded = 0;
static char load_error[256];

static void load(void) {
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        snprintf(load_error, sizeof load_error, "%s", dlerror());
        return;
    }
    const struct { const char *name; void **place; } wanted[] = {
        {"curl_global_init", (void **)&library.global_init}, {"curl_easy_init", (void **)&library.init},
        {"curl_easy_setopt", (void **)&library.setopt},      {"curl_easy_getinfo", (void **)&library.getinfo},
        {"curl_easy_perform", (void **)&library.perform},    {"curl_easy_cleanup", (void **)&library.cleanup},
        {"curl_easy_strerror", (void **)&library.strerror},  {"curl_slist_append", (void **)&library.append},
        {"curl_slist_free_all", (void **)&library.free_all},  {"curl_easy_reset", (void **)&library.reset},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        *wanted[i].place = dlsym(handle, wanted[i].name);
        if (*wanted[i].place == NULL) {
            snprintf(load_error, sizeof load_error, "libcurl.so.4 has no %s", wanted[i].name);
            return;
        }
    }
    if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        snprintf(load_error, sizeof load_error, "libcurl does not start");
        return;
    }
    loaded = 1;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    const curl_bridge_request *request = context;
    return request->body(request->context, bytes, size * count) == 0 ? size * count : 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
    const curl_bridge_request *request = context;
    request->header(request->context, bytes, size * count);
    return size * count;
}

static int on_tick(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    const curl_bridge_request *request = context;
    return request->tick(request->context);
}

// The address that is connected to is judged, not the name: a name may mean something else a moment later.
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    const curl_bridge_request *request = context;
    if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
    if (!request->allow(request->context, &address->addr, address->addrlen)) return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void curl_bridge_get(const curl_bridge_request *request, curl_bridge_result *result) {
    memset(result, 0, sizeof *result);
    pthread_once(&once, load);
    if (!loaded) {
        result->code = -1;
        result->error = strdup(load_error);
        return;
    }
    CURL *handle = request->session != NULL ? request->session : library.init();
    struct curl_slist *headers = NULL;
    char words[CURL_ERROR_SIZE] = "";
    CURLcode code = handle == NULL ? CURLE_OUT_OF_MEMORY : CURLE_OK;
#define SET(option, value) if (code == CURLE_OK) code = library.setopt(handle, option, value)
    SET(CURLOPT_ERRORBUFFER, words);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, request->protocol);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_USERAGENT, "substrate-host");
    SET(CURLOPT_BUFFERSIZE, 262144L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, request->stall_bytes);
    SET(CURLOPT_LOW_SPEED_TIME, request->stall_seconds);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(CURLOPT_OPENSOCKETDATA, request);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, request);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, request);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_tick);
    SET(CURLOPT_XFERINFODATA, request);
    // A proxy's answer to CONNECT is no answer of the server.
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (request->method != NULL && strcmp(request->method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (request->method != NULL) {
        SET(CURLOPT_CUSTOMREQUEST, request->method);
        if (request->upload != NULL) {
            // A header against it would be signed and not sent.
            SET(CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
            SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->upload_size);
            SET(CURLOPT_POSTFIELDS, request->upload);
        }
    }
    if (request->ca_file != NULL) SET(CURLOPT_CAINFO, request->ca_file);
    if (request->ca_directory != NULL) SET(CURLOPT_CAPATH, request->ca_directory);
    if (request->user_password != NULL) SET(CURLOPT_USERPWD, request->user_password);
    if (request->signature != NULL) SET(CURLOPT_AWS_SIGV4, request->signature);
    for (size_t i = 0; i < request->header_count && code == CURLE_OK; i++) {
        struct curl_slist *longer = library.append(headers, request->headers[i]);
        if (longer == NULL) code = CURLE_OUT_OF_MEMORY; else headers = longer;
    }
    if (headers != NULL) SET(CURLOPT_HTTPHEADER, headers);
    if (code == CURLE_OK) {
        code = library.perform(handle);
        char *redirect = NULL;
        library.getinfo(handle, CURLINFO_RESPONSE_CODE, &result->status);
        if (library.getinfo(handle, CURLINFO_REDIRECT_URL, &redirect) == CURLE_OK && redirect != NULL
            && strlen(redirect) < 8192)
            result->redirect = strdup(redirect);
    }
    result->code = (int)code;
    if (code != CURLE_OK)
        result->error = strdup(words[0] != 0 ? words : library.strerror(code));
    library.free_all(headers);
    if (request->session != NULL) {
        // Keeps the connection and nothing else: neither secrets nor pointers.
        library.reset(handle);
    } else if (handle != NULL) {
        library.cleanup(handle);
    }
}

void *curl_bridge_open(void) {
    pthread_once(&once, load);
    return loaded ? library.init() : NULL;
}

void curl_bridge_close(void *session) {
    if (session != NULL) library.cleanup(session);
}

void curl_bridge_free(curl_bridge_result *result) {
    free(result->redirect);
    free(result->error);
    memset(result, 0, sizeof *result);
}
