#define _GNU_SOURCE
#include "network.h"

#include "inside.h"
#include "interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter_ipv4.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

// linux/magic.h
#define NAMESPACE_FILE_SYSTEM 0x6e736673

static csh_network_failure failed(const char *call) {
    return (csh_network_failure){.error = errno ? errno : EIO, .call = call};
}

static const csh_network_failure fine = {.error = 0, .call = ""};

struct job {
    const char *path;
    const char *address;
    int type;
    int has_interface;
    int is_cut;
    csh_network_failure failure;
    int socket;
};

csh_network_failure csh_on_own_thread(void *(*body)(void *), void *argument, size_t stack) {
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error) return (csh_network_failure){.error = error, .call = "pthread_create"};
    pthread_join(thread, NULL);
    return fine;
}

/// Runs `body` on such a thread; the answer is what it left in the job.
static csh_network_failure on_own_thread(void *(*body)(void *), struct job *job) {
    csh_network_failure failure = csh_on_own_thread(body, job, 64 * 1024);
    return failure.error ? failure : job->failure;
}

static csh_network_failure bring_loopback_up(int control) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    if (ioctl(control, SIOCGIFFLAGS, &request) != 0) return failed("ioctl SIOCGIFFLAGS");
    request.ifr_flags |= IFF_UP;
    if (ioctl(control, SIOCSIFFLAGS, &request) != 0) return failed("ioctl SIOCSIFFLAGS");
    return fine;
}

static csh_network_failure set_loopback_address(int control, const char *address) {
    struct ifreq request;
    struct sockaddr_in *where = (struct sockaddr_in *)&request.ifr_addr;
    memset(&request, 0, sizeof request);
    // A label of its own: on plain "lo" this would replace 127.0.0.1.
    strcpy(request.ifr_name, "lo:0");
    where->sin_family = AF_INET;
    if (inet_pton(AF_INET, address, &where->sin_addr) != 1) {
        errno = EINVAL;
        return failed("inet_pton");
    }
    if (ioctl(control, SIOCSIFADDR, &request) != 0) return failed("ioctl SIOCSIFADDR");
    where->sin_addr.s_addr = INADDR_NONE;
    if (ioctl(control, SIOCSIFNETMASK, &request) != 0) return failed("ioctl SIOCSIFNETMASK");
    return fine;
}

static void *create_body(void *argument) {
    struct job *job = argument;
    if (unshare(CLONE_NEWNET) != 0) {
        job->failure = failed("unshare");
        return NULL;
    }
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0) {
        job->failure = failed("socket");
        return NULL;
    }
    job->failure = bring_loopback_up(control);
    if (!job->failure.error) {
        job->failure = job->has_interface ? csh_interface_make(control, job->address)
                                          : set_loopback_address(control, job->address);
    }
    close(control);
    if (job->failure.error) return NULL;
    // Last, so that what is handed out is always a whole one.
    job->socket = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (job->socket < 0) job->failure = failed("open");
    return NULL;
}

csh_network_failure csh_network_make(const char *address, int has_interface, int *descriptor) {
    struct job job = {.address = address, .has_interface = has_interface, .failure = fine, .socket = -1};
    csh_network_failure failure = on_own_thread(create_body, &job);
    *descriptor = job.socket;
    return failure;
}

csh_network_failure csh_network_pin(int descriptor, const char *path) {
    char from[64];
    snprintf(from, sizeof from, "/proc/thread-self/fd/%d", descriptor);
    return mount(from, path, NULL, MS_BIND, NULL) == 0 ? fine : failed("mount");
}

int csh_network_is_pinned(const char *path) {
    struct statfs about;
    int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return -1;
    int status = fstatfs(file, &about);
    close(file);
    return status == 0 && about.f_type == NAMESPACE_FILE_SYSTEM;
}

csh_network_failure csh_network_unpin(const char *path) {
    // Mounts stack: two racing creates would leave two.
    for (int count = 0; count < 16; count++) {
        if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
        if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) return fine;
        return failed("umount2");
    }
    errno = EBUSY;
    return failed("umount2");
}

int csh_enter_and_make(const char *path, int type, csh_network_failure *failure) {
    *failure = fine;
    int namespace_file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (namespace_file < 0) {
        *failure = failed("open");
        return -1;
    }
    if (setns(namespace_file, CLONE_NEWNET) != 0) {
        *failure = failed("setns");
        close(namespace_file);
        return -1;
    }
    close(namespace_file);
    int made = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) {
        *failure = failed("socket");
        return -1;
    }
    int yes = 1;
    if (type == SOCK_STREAM) setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return made;
}

static void *interface_body(void *argument) {
    struct job *job = argument;
    int control = csh_enter_and_make(job->path, job->type, &job->failure);
    if (control < 0) return NULL;
    job->failure = job->address ? csh_interface_attach(control, job->address) : csh_interface_cut(control, job->is_cut);
    close(control);
    return NULL;
}

csh_network_failure csh_network_attach(const char *path, const char *address) {
    struct job job = {.path = path, .type = SOCK_STREAM, .address = address, .failure = fine, .socket = -1};
    return on_own_thread(interface_body, &job);
}

csh_network_failure csh_network_cut(const char *path, int is_cut) {
    struct job job = {.path = path, .type = SOCK_STREAM, .failure = fine, .socket = -1, .is_cut = is_cut};
    return on_own_thread(interface_body, &job);
}

static void *socket_body(void *argument) {
    struct job *job = argument;
    job->socket = csh_enter_and_make(job->path, job->type, &job->failure);
    return NULL;
}

static int socket_inside(const char *path, int type, csh_network_failure *failure) {
    struct job job = {.path = path, .type = type, .failure = fine, .socket = -1};
    *failure = on_own_thread(socket_body, &job);
    return job.socket;
}

int csh_network_socket(const char *path, csh_network_failure *failure) {
    return socket_inside(path, SOCK_STREAM, failure);
}

int csh_network_socket_on_this_thread(const char *path, csh_network_failure *failure) {
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0) {
        *failure = failed("open");
        return -1;
    }
    int made = csh_enter_and_make(path, SOCK_STREAM, failure);
    // Going home lets the actor's namespace end with its mount. A failure leaves this thread, which only makes
    // such sockets, where it is: the next call still enters the right namespace.
    (void)setns(home, CLONE_NEWNET);
    close(home);
    return made;
}

static int plain_socket(const char *address, int type) {
    struct in6_addr six;
    int family = inet_pton(AF_INET6, address, &six) == 1 ? AF_INET6 : AF_INET;
    return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int csh_network_plain_datagrams(const char *address) { return plain_socket(address, SOCK_DGRAM); }

int csh_network_plain_socket(const char *address) {
    int made = plain_socket(address, SOCK_STREAM);
    if (made < 0) return -1;
    int yes = 1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return made;
}

int csh_network_connect(int descriptor, const char *address, uint16_t port) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 where6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int status;
    if (inet_pton(AF_INET, address, &where.sin_addr) == 1) {
        status = connect(descriptor, (struct sockaddr *)&where, sizeof where);
    } else if (inet_pton(AF_INET6, address, &where6.sin6_addr) == 1) {
        status = connect(descriptor, (struct sockaddr *)&where6, sizeof where6);
    } else {
        return EINVAL;
    }
    if (status == 0) return 0;
    return errno == EINTR ? EINPROGRESS : errno;
}

int csh_network_connected(int descriptor) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
    if (error) return error;
    struct sockaddr_storage here, there;
    socklen_t here_length = sizeof here, there_length = sizeof there;
    memset(&here, 0, sizeof here);
    memset(&there, 0, sizeof there);
    if (getsockname(descriptor, (struct sockaddr *)&here, &here_length) != 0) return errno;
    if (getpeername(descriptor, (struct sockaddr *)&there, &there_length) != 0) return errno;
    // The same address and port of either family: the names are equal byte for byte.
    if (here_length == there_length && memcmp(&here, &there, here_length) == 0) return ECONNREFUSED;
    return 0;
}

/// Listens with a socket that was made where it is to listen, and that is closed when it cannot; one of datagrams has
/// no queue.
static int listen_with(int made, const char *address, uint16_t *port, int queue, csh_network_failure *failure) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t length = sizeof where;
    int yes = 1;
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (inet_pton(AF_INET, address, &where.sin_addr) != 1) {
        errno = EINVAL;
        *failure = failed("inet_pton");
    } else if (bind(made, (struct sockaddr *)&where, sizeof where) != 0) {
        *failure = failed("bind");
    } else if (queue && listen(made, queue) != 0) {
        *failure = failed("listen");
    } else if (getsockname(made, (struct sockaddr *)&where, &length) != 0) {
        *failure = failed("getsockname");
    }
    if (failure->error) {
        close(made);
        return -1;
    }
    *port = ntohs(where.sin_port);
    return made;
}

int csh_network_listen(const char *address, uint16_t *port, csh_network_failure *failure) {
    *failure = fine;
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) {
        *failure = failed("socket");
        return -1;
    }
    return listen_with(made, address, port, 128, failure);
}

int csh_network_listen_inside(const char *path, const char *address, uint16_t *port, csh_network_failure *failure) {
    int made = csh_network_socket(path, failure);
    return made < 0 ? -1 : listen_with(made, address, port, 1024, failure);
}

int csh_network_hear_inside(const char *path, const char *address, uint16_t *port, csh_network_failure *failure) {
    int made = socket_inside(path, SOCK_DGRAM, failure);
    return made < 0 ? -1 : listen_with(made, address, port, 0, failure);
}

long csh_network_hear(int descriptor, void *bytes, size_t size, uint32_t *address, uint16_t *port) {
    struct sockaddr_in where;
    socklen_t length = sizeof where;
    long count = recvfrom(descriptor, bytes, size, MSG_DONTWAIT, (struct sockaddr *)&where, &length);
    if (count >= 0) *address = where.sin_addr.s_addr, *port = where.sin_port;
    return count;
}

long csh_network_say(int descriptor, const void *bytes, size_t size, uint32_t address, uint16_t port) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = address};
    return sendto(descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&where, sizeof where);
}

int csh_network_original(int descriptor, uint32_t *address, uint16_t *port) {
    struct sockaddr_in where;
    socklen_t length = sizeof where;
    if (getsockopt(descriptor, SOL_IP, SO_ORIGINAL_DST, &where, &length) != 0) return errno;
    *address = ntohl(where.sin_addr.s_addr);
    *port = ntohs(where.sin_port);
    return 0;
}

int csh_network_accept(int listener) {
    int taken = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (taken < 0) return -1;
    int yes = 1;
    setsockopt(taken, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return taken;
}

int csh_network_wake(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }


int csh_network_resolve(const char *host, char *addresses, int limit, char *words, size_t size) {
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    // An address needs nobody's word, and no interface of its family but the loopback.
    unsigned char bytes[16];
    if (inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1) {
        snprintf(addresses, CSH_NETWORK_ADDRESS, "%s", host);
        return 1;
    }
    int error = getaddrinfo(host, NULL, &wanted, &found);
    if (error) {
        snprintf(words, size, "%s", error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return -1;
    }
    int count = 0;
    for (struct addrinfo *one = found; one && count < limit; one = one->ai_next) {
        char *place = addresses + (size_t)count * CSH_NETWORK_ADDRESS;
        if (getnameinfo(one->ai_addr, one->ai_addrlen, place, CSH_NETWORK_ADDRESS, NULL, 0, NI_NUMERICHOST) == 0) count++;
    }
    freeaddrinfo(found);
    if (count == 0) snprintf(words, size, "it has no address");
    return count ? count : -1;
}

void csh_network_keep_alive(int descriptor) {
    int yes = 1, idle = 60;
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
}
