// Handing descriptors from one process to another: unix(7), SCM_RIGHTS.
#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union space {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

// A message of one byte: the kernel hands nothing over with an empty one.
static struct msghdr message(struct iovec *body, union space *space) {
    struct msghdr made = {.msg_iov = body, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof *space};
    return made;
}

int csh_send_descriptor(int socket, int fd) {
    char byte = 0;
    struct iovec body = {.iov_base = &byte, .iov_len = 1};
    union space space = {0};
    struct msghdr made = message(&body, &space);
    struct cmsghdr *header = CMSG_FIRSTHDR(&made);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(socket, &made, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int csh_receive_descriptor(int socket) {
    char byte;
    struct iovec body = {.iov_base = &byte, .iov_len = 1};
    union space space = {0};
    struct msghdr made = message(&body, &space);
    ssize_t count = recvmsg(socket, &made, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&made);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int))) {
        return -ENOENT;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}
