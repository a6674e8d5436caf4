// The mount calls that glibc 2.36 has no Swift-visible wrapper for, as raw calls.
#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static int answer(long result) { return result < 0 ? -errno : (int)result; }

int csh_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return answer(syscall(SYS_openat2, dirfd, path, &how, sizeof how));
}
int csh_syncfs(int fd) { return answer(syscall(SYS_syncfs, fd)); }
int csh_open_tree(int dirfd, const char *path, unsigned flags) {
    return answer(syscall(SYS_open_tree, dirfd, path, flags));
}
int csh_move_mount(int from, int to) {
    return answer(syscall(SYS_move_mount, from, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}
int csh_fsopen(const char *type) { return answer(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }
int csh_fsconfig_string(int fd, const char *key, const char *value) {
    return answer(syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, key, value, 0));
}
int csh_fsconfig_flag(int fd, const char *key) {
    return answer(syscall(SYS_fsconfig, fd, FSCONFIG_SET_FLAG, key, NULL, 0));
}
int csh_fsconfig_create(int fd) { return answer(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0)); }
int csh_fsmount(int fd, unsigned attributes) { return answer(syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes)); }
int csh_mount_setattr(int fd, uint64_t set, int recursive) {
    struct mount_attr attributes = {.attr_set = set};
    unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return answer(syscall(SYS_mount_setattr, fd, "", flags, &attributes, sizeof attributes));
}
int csh_pivot_here(void) {
    if (syscall(SYS_pivot_root, ".", ".") != 0) return -errno;
    if (umount2(".", MNT_DETACH) != 0) return -errno;
    return answer(chdir("/"));
}
int csh_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    return answer(mount(source, target, type, flags, data));
}
int csh_unmount_detached(const char *path) { return answer(umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW)); }
int csh_memfd(const char *name) { return answer(memfd_create(name, MFD_CLOEXEC)); }
int csh_setns_net(int fd) { return answer(setns(fd, CLONE_NEWNET)); }
int csh_enter_mounts(int fd) {
    if (setns(fd, CLONE_NEWNS) != 0) return -errno;
    return answer(unshare(CLONE_NEWNS));
}
int csh_setns_process(int pidfd, int flags) { return answer(setns(pidfd, flags)); }
int csh_take_terminal(int fd) { return answer(ioctl(fd, TIOCSCTTY, 0)); }
int csh_resize_terminal(int fd, int rows, int columns) {
    struct winsize size = {(unsigned short)rows, (unsigned short)columns, 0, 0};
    return answer(ioctl(fd, TIOCSWINSZ, &size));
}
int csh_open_terminal(int *master, int *slave) {
    int first = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (first < 0) return -errno;
    int unlocked = 0;
    int second = -1;
    if (ioctl(first, TIOCSPTLCK, &unlocked) == 0) second = ioctl(first, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (second < 0) {
        int number = errno;
        close(first);
        return -number;
    }
    *master = first;
    *slave = second;
    return 0;
}
int csh_join_session_keyring(void) { return answer(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL)); }
int csh_close_range_cloexec(unsigned first) {
    return answer(syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC));
}
int csh_renameat(int from_dir, const char *from, int to_dir, const char *to) {
    return answer(renameat(from_dir, from, to_dir, to));
}
