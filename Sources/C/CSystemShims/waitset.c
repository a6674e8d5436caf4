// epoll(7), which the C library's Swift module does not show.
#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <sys/epoll.h>

int csh_waitset_make(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int csh_waitset_add(int set, int fd, uint64_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = tag}};
    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0 ? -errno : 0;
}

int csh_waitset_remove(int set, int fd) {
    return epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) != 0 ? -errno : 0;
}

int csh_waitset_wait(int set, uint64_t *tags, int capacity, int milliseconds) {
    struct epoll_event events[64];
    int count = epoll_wait(set, events, capacity < 64 ? capacity : 64, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) tags[i] = events[i].data.u64;
    return count;
}
