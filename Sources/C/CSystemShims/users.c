// User namespaces: one made with its map, joined, and shown through a mount.
#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/securebits.h>

static int answer(long result) { return result < 0 ? -errno : (int)result; }

struct word {
    int number;
    char name[32];
};

// Holds a user namespace until its parent has a descriptor of it, and says by which number /proc knows this process.
static void hold(int say, int until) {
    struct word word = {0};
    if (unshare(CLONE_NEWUSER) != 0) {
        word.number = errno;
    } else {
        ssize_t count = readlink("/proc/self", word.name, sizeof word.name - 1);
        if (count <= 0) word.number = ENOENT;
    }
    if (write(say, &word, sizeof word) != (ssize_t)sizeof word) _exit(1);
    char none;
    while (read(until, &none, 1) < 0 && errno == EINTR) {}
    _exit(0);
}

static int put(const char *who, const char *file, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/%s", who, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    // One write: the kernel takes a map whole or not at all.
    ssize_t count = write(fd, text, strlen(text));
    int number = count < 0 ? errno : 0;
    close(fd);
    return -number;
}

static int take(const char *who, uint32_t first, uint32_t count) {
    char text[64];
    snprintf(text, sizeof text, "0 %u %u\n", first, count);
    int status = put(who, "uid_map", text);
    if (status == 0) status = put(who, "gid_map", text);
    if (status != 0) return status;
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/ns/user", who);
    return answer(open(path, O_RDONLY | O_CLOEXEC));
}

int csh_user_namespace(uint32_t first, uint32_t count) {
    int said[2], until[2];
    if (pipe2(said, O_CLOEXEC) != 0) return -errno;
    if (pipe2(until, O_CLOEXEC) != 0) {
        int number = errno;
        close(said[0]);
        close(said[1]);
        return -number;
    }
    // The raw call: the host has threads and libraries whose handlers of fork(3) want a word. The child asks nobody but
    // the kernel.
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    int result = pid < 0 ? -errno : 0;
    if (pid == 0) {
        close(until[1]);
        hold(said[1], until[0]);
    }
    close(said[1]);
    close(until[0]);
    if (pid > 0) {
        struct word word = {0};
        ssize_t count_read;
        do {
            count_read = read(said[0], &word, sizeof word);
        } while (count_read < 0 && errno == EINTR);
        if (count_read != (ssize_t)sizeof word)
            result = -EPIPE;
        else
            result = word.number != 0 ? -word.number : take(word.name, first, count);
    }
    close(said[0]);
    close(until[1]);
    if (pid > 0)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    return result;
}

int csh_enter_users(int fd) { return answer(setns(fd, CLONE_NEWUSER)); }

int csh_own_mounts(void) {
    if (unshare(CLONE_NEWNS) != 0) return -errno;
    return answer(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

int csh_mount_shift(int fd, int namespace) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
    return answer(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes));
}

int csh_set_file_ids(uint32_t id) {
    // Otherwise the capabilities to files would go with the user 0.
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0) return -errno;
    setfsgid(id);
    setfsuid(id);
    // The calls answer what was before, and no error.
    return setfsuid((uid_t)-1) == (int)id && setfsgid((gid_t)-1) == (int)id ? 0 : -EPERM;
}

int csh_reset_file_ids(void) {
    setfsuid(0);
    setfsgid(0);
    return answer(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
}
