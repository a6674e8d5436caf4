#define _GNU_SOURCE
/* Prints the unpacker's seccomp filter as the body of the array in Sources/Confinement/UnpackFilter.swift.
 * cc -o /tmp/unpack-filter .ci/unpack-filter.c -lseccomp && /tmp/unpack-filter
 * Rules and their reasons: UnpackFilter.swift. */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "filter.h"

int main(void) {
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!f) return 1;
    check(seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "bad arch");
    check(seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
#define RULE(action, ...) check(seccomp_rule_add_exact(f, action, __VA_ARGS__), #__VA_ARGS__)
#define ALLOW(...) RULE(SCMP_ACT_ALLOW, __VA_ARGS__)
/* A descriptor, not AT_FDCWD: RLIMIT_NOFILE is 1024. */
#define HERE(n) SCMP_CMP64(n, SCMP_CMP_LE, 1023)
#define ELSEWHERE(n) SCMP_CMP64(n, SCMP_CMP_GT, 1023)
    ALLOW(SCMP_SYS(read), 0);
    ALLOW(SCMP_SYS(write), 0);
    ALLOW(SCMP_SYS(pread64), 0);
    ALLOW(SCMP_SYS(pwrite64), 0);
    ALLOW(SCMP_SYS(lseek), 0);
    ALLOW(SCMP_SYS(close), 0);
    ALLOW(SCMP_SYS(getdents64), 0);
    ALLOW(SCMP_SYS(ftruncate), 0);
    ALLOW(SCMP_SYS(fchmod), 0);
    ALLOW(SCMP_SYS(fchown), 0);
    ALLOW(SCMP_SYS(fsetxattr), 0);
    ALLOW(SCMP_SYS(fgetxattr), 0);
    ALLOW(SCMP_SYS(fsync), 0);
    ALLOW(SCMP_SYS(syncfs), 0);
    ALLOW(SCMP_SYS(fcntl), 1, SCMP_A1_32(SCMP_CMP_EQ, F_GETFL));
    ALLOW(SCMP_SYS(fcntl), 1, SCMP_A1_32(SCMP_CMP_EQ, F_SETFD));
    ALLOW(SCMP_SYS(openat), 1, HERE(0));
    ALLOW(SCMP_SYS(newfstatat), 1, HERE(0));
    ALLOW(SCMP_SYS(readlinkat), 1, HERE(0));
    ALLOW(SCMP_SYS(mkdirat), 1, HERE(0));
    ALLOW(SCMP_SYS(mknodat), 3, HERE(0), SCMP_A2_32(SCMP_CMP_EQ, S_IFCHR), SCMP_A3_32(SCMP_CMP_EQ, 0));
    ALLOW(SCMP_SYS(unlinkat), 1, HERE(0));
    ALLOW(SCMP_SYS(linkat), 3, HERE(0), HERE(2), SCMP_A4_32(SCMP_CMP_EQ, 0));
    ALLOW(SCMP_SYS(symlinkat), 1, HERE(1));
    ALLOW(SCMP_SYS(fchownat), 1, HERE(0));
    ALLOW(SCMP_SYS(utimensat), 1, HERE(0));
    RULE(SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(openat), 1, ELSEWHERE(0));
    RULE(SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(newfstatat), 1, ELSEWHERE(0));
    ALLOW(SCMP_SYS(brk), 0);
    ALLOW(SCMP_SYS(mmap), 3, SCMP_A2_64(SCMP_CMP_MASKED_EQ, ~(uint64_t)(PROT_READ | PROT_WRITE), 0),
          SCMP_A3_64(SCMP_CMP_EQ, MAP_PRIVATE | MAP_ANONYMOUS), SCMP_A4_64(SCMP_CMP_MASKED_EQ, 0xffffffff, 0xffffffff));
    ALLOW(SCMP_SYS(munmap), 0);
    ALLOW(SCMP_SYS(mremap), 1, SCMP_A3_64(SCMP_CMP_EQ, MREMAP_MAYMOVE));
    ALLOW(SCMP_SYS(getrandom), 0);
    ALLOW(SCMP_SYS(exit_group), 0);
    return print(f);
}
