#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <locale.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

// What the unpacking child needs and Swift cannot import: variadic calls, and resources that are enums.

/// Bounds this process before it reads a stranger's byte; answers 0 or the errno.
static inline int unpack_bound(unsigned long long memory, unsigned long long file, unsigned long long files) {
    struct rlimit none = {0, 0};
    struct rlimit stack = {8 << 20, 8 << 20};
    struct rlimit space = {memory, memory};
    struct rlimit size = {file, file};
    struct rlimit open = {files, files};
    struct rlimit seconds = {1800, 1800};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return errno;
    if (setrlimit(RLIMIT_NPROC, &none) != 0) return errno;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return errno;
    if (setrlimit(RLIMIT_MSGQUEUE, &none) != 0) return errno;
    if (setrlimit(RLIMIT_STACK, &stack) != 0) return errno;
    if (setrlimit(RLIMIT_AS, &space) != 0) return errno;
    if (setrlimit(RLIMIT_FSIZE, &size) != 0) return errno;
    if (setrlimit(RLIMIT_NOFILE, &open) != 0) return errno;
    if (setrlimit(RLIMIT_CPU, &seconds) != 0) return errno;
    return 0;
}

/// No network, and nobody's queues or host name; answers 0 or the errno.
static inline int unpack_apart(void) {
    return syscall(SYS_unshare, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0 ? 0 : errno;
}

/// Becomes `identity` with these capabilities and no way to more; answers 0 or the errno.
///
/// With `root_files` what it makes belongs to 0:0 all the same: the file system's identity stays root's.
static inline int unpack_become(unsigned identity, unsigned long long capabilities, int root_files) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const unsigned long long first = capabilities | 1ULL << CAP_SETUID | 1ULL << CAP_SETGID;
    struct __user_cap_data_struct before[2] = {
        {(unsigned)first, (unsigned)first, 0}, {(unsigned)(first >> 32), (unsigned)(first >> 32), 0}};
    struct __user_cap_data_struct after[2] = {
        {(unsigned)capabilities, (unsigned)capabilities, 0},
        {(unsigned)(capabilities >> 32), (unsigned)(capabilities >> 32), 0}};
    for (unsigned long one = 0; prctl(PR_CAPBSET_READ, one, 0, 0, 0) >= 0; one++)
        if (prctl(PR_CAPBSET_DROP, one, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return errno;
    if (syscall(SYS_setgroups, 0, 0) != 0) return errno;
    if (syscall(SYS_setresgid, identity, identity, identity) != 0) return errno;
    if (syscall(SYS_setresuid, identity, identity, identity) != 0) return errno;
    if (syscall(SYS_capset, &header, before) != 0) return errno;
    if (root_files) {
        syscall(SYS_setfsgid, 0);
        syscall(SYS_setfsuid, 0);
        // These two answer the identity before, never an error: ask again.
        if (syscall(SYS_setfsgid, -1) != 0 || syscall(SYS_setfsuid, -1) != 0) return EPERM;
    }
    return syscall(SYS_capset, &header, after) == 0 ? 0 : errno;
}

/// Dies with who started it, gains nothing, and shows its /proc entries to root alone; answers 0 or the errno.
static inline int unpack_renounce(void) {
    // After the change of identity, which forgets the first and the last.
    if (prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

/// Names of archives are UTF-8, whatever this process was started in.
static inline void unpack_use_utf8(void) { setlocale(LC_CTYPE, "C.UTF-8"); }

/// Closes every descriptor from `first` on.
static inline int unpack_close_from(unsigned first) { return (int)syscall(SYS_close_range, first, ~0U, 0); }

/// Makes the file system of `descriptor` durable.
static inline int unpack_sync(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }

/// Marks a directory as hiding what lower layers have in it.
static inline int unpack_set_opaque(int descriptor) {
    return fsetxattr(descriptor, "trusted.overlay.opaque", "y", 1, 0);
}

/// Whether a directory hides what lower layers have in it.
static inline int unpack_is_opaque(int descriptor) {
    char value = 0;
    return fgetxattr(descriptor, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/// Sets an extended attribute of what was just made.
static inline int unpack_set_attribute(int descriptor, const char *name, const void *value, size_t size) {
    return fsetxattr(descriptor, name, value, size, 0);
}
