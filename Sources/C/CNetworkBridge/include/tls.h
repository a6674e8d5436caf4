#pragma once
// TLS towards a gateway, over a non-blocking socket. libssl is opened with the first of them: what serves without a
// gateway never loads it.
#include <stddef.h>
#include <stdint.h>

/// Whom to trust and who one is: shared by any number of connections and threads.
typedef struct csh_tls_context csh_tls_context;

/// One connection; of one thread at a time.
typedef struct csh_tls csh_tls;

/// What a call came to, where it is no number of bytes.
enum {
    CSH_TLS_DONE = 0,
    CSH_TLS_WANTS_READ = -1,
    CSH_TLS_WANTS_WRITE = -2,
    CSH_TLS_FAILED = -3,
};

/// Reads the authorities of `trust`, and with `certificate` and `key`, both or none, who one is; files of PEM.
/// NULL, and `words` of `size` bytes say why.
csh_tls_context *csh_tls_context_make(const char *trust, const char *certificate, const char *key, char *words,
                                      size_t size);

/// Ends it; connections that were made of it go on.
void csh_tls_context_free(csh_tls_context *context);

/// A connection over a connected socket, which stays the caller's, with whoever proves to be `host`, a name or an
/// address. NULL when there is no memory.
csh_tls *csh_tls_make(csh_tls_context *context, int descriptor, const char *host);

/// Goes on with the handshake: done, what it waits for, or failed and `words` say why.
int csh_tls_handshake(csh_tls *connection, char *words, size_t size);

/// Reads: the bytes, 0 when the other side has ended its half, what it waits for, or failed.
long csh_tls_read(csh_tls *connection, void *bytes, size_t size);

/// Writes some: how many, what it waits for, or failed.
long csh_tls_write(csh_tls *connection, const void *bytes, size_t size);

/// Ends this side's half; the other may go on. 0, or what it waits for.
int csh_tls_end(csh_tls *connection);

/// Forgets it, without a word to the other side.
void csh_tls_free(csh_tls *connection);

/// Why the last call of this thread on a connection failed, as far as the other side has told.
void csh_tls_explain(char *words, size_t size);
