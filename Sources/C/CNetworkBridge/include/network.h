#pragma once
// Network namespaces of actors. unshare(2) and setns(2) change the calling *thread*: every call here that enters
// another namespace does so on a thread of its own, or comes back before it returns.
#include <stddef.h>
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

/// The same, in the namespace at `path`, with a longer queue.
int csh_network_listen_inside(const char *path, const char *address, uint16_t *port, csh_network_failure *failure);

/// Hears datagrams on `address` in the namespace at `path`; as the other two else.
int csh_network_hear_inside(const char *path, const char *address, uint16_t *port, csh_network_failure *failure);

/// Takes one datagram, cut to `size`, and who sent it, as the wire has that: its length, or -1 and errno.
long csh_network_hear(int descriptor, void *bytes, size_t size, uint32_t *address, uint16_t *port);

/// Sends one to somebody, as the wire has that: its length, or -1 and errno.
long csh_network_say(int descriptor, const void *bytes, size_t size, uint32_t address, uint16_t port);

/// A non-blocking socket for datagrams of the machine's own network, of the family of `address`; -1 and errno else.
int csh_network_plain_datagrams(const char *address);

/// Where a connection was going before a rule redirected it, in the machine's byte order: 0, or an errno.
int csh_network_original(int descriptor, uint32_t *address, uint16_t *port);

/// Why no rule can be put in place: the library that does it is not there. NULL: it is.
const char *csh_network_rules_missing(void);

/// Puts `rules`, in the language of nft(8), in place in the namespace at `path`, all or none. `words`, of `size` bytes,
/// say more about a failure than its errno.
csh_network_failure csh_network_rule(const char *path, const char *rules, char *words, size_t size);

/// Makes a way for every address in the namespace at `path`: by eth0 and `gateway`, or by the loopback, with `source` as
/// the sender.
csh_network_failure csh_network_route(const char *path, int has_interface, const char *gateway, const char *source);

/// The longest text of an address, with its end.
#define CSH_NETWORK_ADDRESS 46

/// Looks a name up, or an address as it is: at most `limit` texts of CSH_NETWORK_ADDRESS bytes each. Blocks. How many,
/// or -1 and `words` say why.
int csh_network_resolve(const char *host, char *addresses, int limit, char *words, size_t size);

/// Lets the kernel notice that the other side of a connection is gone, within some minutes.
void csh_network_keep_alive(int descriptor);
