#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
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
    struct rlimit space = {memory, memory};
    struct rlimit size = {file, file};
    struct rlimit open = {files, files};
    struct rlimit seconds = {1800, 1800};
    if (prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (setrlimit(RLIMIT_CORE, &none) != 0) return errno;
    if (setrlimit(RLIMIT_AS, &space) != 0) return errno;
    if (setrlimit(RLIMIT_FSIZE, &size) != 0) return errno;
    if (setrlimit(RLIMIT_NOFILE, &open) != 0) return errno;
    if (setrlimit(RLIMIT_CPU, &seconds) != 0) return errno;
    return 0;
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
