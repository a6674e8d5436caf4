#pragma once
// Network namespaces of actors. unshare(2) and setns(2) change the calling *thread*: every call here that enters
// another namespace does so on a thread of its own, or comes back before it returns.
#include <stdint.h>

/// What failed: an errno and the name of the call; error 0 = nothing did.
typedef struct {
    int error;
    const char *call;
} csh_network_failure;

/// Makes a namespace with the loopback up; `*descriptor` keeps it. `address` (dotted) is on the loopback, as a /32, or
/// with `has_interface` on an interface of a pair, as a /30.
csh_network_failure csh_network_make(const char *address, int has_interface, int *descriptor);

/// Gives the other end of the pair in the namespace at `path` its address: only then is the first one reached.
csh_network_failure csh_network_attach(const char *path, const char *address);

/// Takes the pair of interfaces in the namespace at `path` down, or up again: nothing comes through while it is down.
csh_network_failure csh_network_cut(const char *path, int is_cut);

/// Pins a namespace by a bind mount on the existing file `path`. On failure nothing is left mounted.
csh_network_failure csh_network_pin(int descriptor, const char *path);

/// 1 if `path` is a namespace pinned by a mount, 0 if it is not, -1 if there is nothing.
int csh_network_is_pinned(const char *path);

/// Takes every mount off `path`; no mount is no error.
csh_network_failure csh_network_unpin(const char *path);

/// A non-blocking TCP socket of the namespace at `path`, made on a short-lived thread. -1 and `failure` set else.
int csh_network_socket(const char *path, csh_network_failure *failure);

/// The same, made by the calling thread, which goes there and comes back: only for threads that are ours alone.
int csh_network_socket_on_this_thread(const char *path, csh_network_failure *failure);

/// A non-blocking TCP socket of the machine's own network, of the family of `address`; -1 and errno else.
int csh_network_plain_socket(const char *address);

/// Starts connecting to a dotted IPv4 or an IPv6 address: 0, EINPROGRESS, or the errno that ends it.
int csh_network_connect(int descriptor, const char *address, uint16_t port);

/// How connecting ended: 0 or an errno. A socket that met itself (nobody listens, and the kernel picked the very
/// port as the source) is ECONNREFUSED.
int csh_network_connected(int descriptor);

/// Listens on `address`; `*port` 0 becomes the port that was got. Non-blocking. -1 and `failure` set else.
int csh_network_listen(const char *address, uint16_t *port, csh_network_failure *failure);

/// Takes one connection, non-blocking and close-on-exec; -1 and errno else.
int csh_network_accept(int listener);

/// A non-blocking, close-on-exec counter that wakes a poll(2); -1 and errno else.
int csh_network_wake(void);
