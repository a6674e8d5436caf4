#define _GNU_SOURCE
#include "tls.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct csh_tls_context { SSL_CTX *context; };
struct csh_tls { SSL *connection; };

// What libssl itself has; libcrypto's comes with it and is linked for the digests anyway.
#define WANTED(X)                                                                                                      \
    X(SSL_CTX_new) X(SSL_CTX_free) X(SSL_CTX_ctrl) X(SSL_CTX_set_options) X(SSL_CTX_set_verify)                        \
    X(SSL_CTX_load_verify_file) X(SSL_CTX_use_certificate_chain_file) X(SSL_CTX_use_PrivateKey_file)                   \
    X(SSL_CTX_check_private_key) X(SSL_CTX_set_default_passwd_cb) X(SSL_CTX_set_alpn_protos) X(TLS_client_method)      \
    X(SSL_new) X(SSL_free) X(SSL_ctrl) X(SSL_set_fd) X(SSL_set1_host) X(SSL_get0_param) X(SSL_connect)                 \
    X(SSL_read) X(SSL_write) X(SSL_shutdown) X(SSL_get_error) X(SSL_get_verify_result)
#define DECLARE(name) __typeof__(name) *name##_;
static struct { WANTED(DECLARE) } library;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char load_error[256];

static void load(void) {
    void *handle = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        snprintf(load_error, sizeof load_error, "%s", dlerror());
        return;
    }
#define FIND(name)                                                                                                     \
    *(void **)&library.name##_ = dlsym(handle, #name);                                                                 \
    if (!library.name##_) {                                                                                            \
        snprintf(load_error, sizeof load_error, "libssl.so.3 has no " #name);                                          \
        return;                                                                                                        \
    }
    WANTED(FIND)
}

/// What OpenSSL has to say, and nothing of it left for the next call.
static void explain(const char *what, char *words, size_t size) {
    unsigned long error = ERR_peek_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    snprintf(words, size, "%s%s%s", what, *what && reason ? ": " : "", reason ? reason : *what ? "" : "the connection ended");
    ERR_clear_error();
}

/// Nobody is there to be asked for a passphrase.
static int no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer, (void)size, (void)writing, (void)context;
    return 0;
}

csh_tls_context *csh_tls_context_make(const char *trust, const char *certificate, const char *key, char *words,
                                      size_t size) {
    pthread_once(&once, load);
    if (load_error[0]) {
        snprintf(words, size, "%s", load_error);
        return NULL;
    }
    csh_tls_context *made = calloc(1, sizeof *made);
    if (!made) {
        snprintf(words, size, "no memory");
        return NULL;
    }
    ERR_clear_error();
    SSL_CTX *context = made->context = library.SSL_CTX_new_(library.TLS_client_method_());
    const char *failed = NULL;
    // http/1.1 alone, as the wire has it.
    static const unsigned char protocols[] = "\x08http/1.1";
    if (!context) {
        failed = "SSL_CTX_new";
    } else {
        library.SSL_CTX_ctrl_(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
        library.SSL_CTX_ctrl_(context, SSL_CTRL_MODE,
                              SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                  | SSL_MODE_RELEASE_BUFFERS, NULL);
        library.SSL_CTX_set_options_(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        library.SSL_CTX_set_verify_(context, SSL_VERIFY_PEER, NULL);
        library.SSL_CTX_set_default_passwd_cb_(context, no_passphrase);
        if (library.SSL_CTX_set_alpn_protos_(context, protocols, sizeof protocols - 1) != 0) failed = "ALPN";
        else if (library.SSL_CTX_load_verify_file_(context, trust) != 1) failed = "trust";
        else if (certificate && library.SSL_CTX_use_certificate_chain_file_(context, certificate) != 1)
            failed = "certificate";
        else if (key && library.SSL_CTX_use_PrivateKey_file_(context, key, SSL_FILETYPE_PEM) != 1) failed = "key";
        else if (key && library.SSL_CTX_check_private_key_(context) != 1) failed = "key";
    }
    if (!failed) return made;
    explain(failed, words, size);
    csh_tls_context_free(made);
    return NULL;
}

void csh_tls_context_free(csh_tls_context *context) {
    if (context->context) library.SSL_CTX_free_(context->context);
    free(context);
}

csh_tls *csh_tls_make(csh_tls_context *context, int descriptor, const char *host) {
    csh_tls *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    made->connection = library.SSL_new_(context->context);
    SSL *connection = made->connection;
    unsigned char address[16];
    int is_fine = connection && library.SSL_set_fd_(connection, descriptor) == 1;
    if (is_fine && (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)) {
        // The name that is sent is never an address (RFC 6066 §3).
        is_fine = X509_VERIFY_PARAM_set1_ip_asc(library.SSL_get0_param_(connection), host) == 1;
    } else if (is_fine) {
        is_fine = library.SSL_set1_host_(connection, host) == 1
            && library.SSL_ctrl_(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)host) == 1;
    }
    if (is_fine) return made;
    csh_tls_free(made);
    ERR_clear_error();
    return NULL;
}

/// What a call's answer means.
static int outcome(csh_tls *connection, int answer) {
    switch (library.SSL_get_error_(connection->connection, answer)) {
    case SSL_ERROR_WANT_READ: return CSH_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return CSH_TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return CSH_TLS_DONE;
    default: return CSH_TLS_FAILED;
    }
}

int csh_tls_handshake(csh_tls *connection, char *words, size_t size) {
    ERR_clear_error();
    int answer = library.SSL_connect_(connection->connection);
    if (answer == 1) return CSH_TLS_DONE;
    int result = outcome(connection, answer);
    if (result == CSH_TLS_WANTS_READ || result == CSH_TLS_WANTS_WRITE) return result;
    long verified = library.SSL_get_verify_result_(connection->connection);
    if (verified != X509_V_OK) {
        snprintf(words, size, "its certificate is refused: %s", X509_verify_cert_error_string(verified));
        ERR_clear_error();
    } else {
        explain("", words, size);
    }
    return CSH_TLS_FAILED;
}

long csh_tls_read(csh_tls *connection, void *bytes, size_t size) {
    ERR_clear_error();
    int count = library.SSL_read_(connection->connection, bytes, size > 1 << 20 ? 1 << 20 : (int)size);
    return count > 0 ? count : outcome(connection, count);
}

long csh_tls_write(csh_tls *connection, const void *bytes, size_t size) {
    ERR_clear_error();
    int count = library.SSL_write_(connection->connection, bytes, size > 1 << 20 ? 1 << 20 : (int)size);
    if (count > 0) return count;
    int result = outcome(connection, count);
    return result == CSH_TLS_DONE ? CSH_TLS_FAILED : result;
}

int csh_tls_end(csh_tls *connection) {
    ERR_clear_error();
    int answer = library.SSL_shutdown_(connection->connection);
    if (answer >= 0) return CSH_TLS_DONE;
    return outcome(connection, answer);
}

void csh_tls_free(csh_tls *connection) {
    if (connection->connection) library.SSL_free_(connection->connection);
    free(connection);
}

void csh_tls_explain(char *words, size_t size) { explain("", words, size); }
