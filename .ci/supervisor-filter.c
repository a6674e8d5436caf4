#define _GNU_SOURCE
/* Prints the supervisor's seccomp filter as the body of the array in Sources/Confinement/SupervisorFilter.swift.
 * cc -o /tmp/supervisor-filter .ci/supervisor-filter.c -lseccomp && /tmp/supervisor-filter x86_64 (or aarch64)
 * Rules and their reasons: SupervisorFilter.swift. */
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>

#include "filter.h"

int main(int argc, char **argv) {
    uint32_t arch = argc == 2 ? seccomp_arch_resolve_name(argv[1]) : 0;
    if (arch != SCMP_ARCH_X86_64 && arch != SCMP_ARCH_AARCH64) {
        fprintf(stderr, "usage: supervisor-filter x86_64|aarch64\n");
        return 2;
    }
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!f) return 1;
    check(seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "bad arch");
    if (arch != seccomp_arch_native()) {
        check(seccomp_arch_add(f, arch), "arch add");
        check(seccomp_arch_remove(f, SCMP_ARCH_NATIVE), "arch remove");
    }
#define ALLOW(...) check(seccomp_rule_add_exact(f, SCMP_ACT_ALLOW, __VA_ARGS__), #__VA_ARGS__)
    ALLOW(SCMP_SYS(read), 1, SCMP_A0(SCMP_CMP_EQ, 3));
    ALLOW(SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, 2));
    ALLOW(SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, 3));
    ALLOW(SCMP_SYS(brk), 0);
    ALLOW(SCMP_SYS(mmap), 3, SCMP_A2(SCMP_CMP_MASKED_EQ, ~(uint64_t)(PROT_READ | PROT_WRITE), 0),
          SCMP_A3(SCMP_CMP_EQ, MAP_PRIVATE | MAP_ANONYMOUS), SCMP_A4(SCMP_CMP_MASKED_EQ, 0xffffffff, 0xffffffff));
    ALLOW(SCMP_SYS(munmap), 0);
    ALLOW(SCMP_SYS(mremap), 1, SCMP_A3(SCMP_CMP_EQ, MREMAP_MAYMOVE));
    ALLOW(SCMP_SYS(clock_gettime), 1, SCMP_A0(SCMP_CMP_EQ, 2));
    if (arch == SCMP_ARCH_X86_64) ALLOW(SCMP_SYS(time), 1, SCMP_A0(SCMP_CMP_EQ, 0));
    else ALLOW(SCMP_SYS(clock_gettime), 1, SCMP_A0(SCMP_CMP_EQ, 5));
    ALLOW(SCMP_SYS(exit_group), 0);
    return print(f);
}
