// Capabilities, limits, filters and signals of the calling process.
#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int answer(long result) { return result < 0 ? -errno : (int)result; }

int csh_drop_bounding(unsigned capability) { return answer(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)); }

int csh_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return answer(syscall(SYS_capset, &header, data));
}

int csh_lock_securebits(void) {
    // NOROOT stays off: with it a workload of uid 0 would exec with no capability at all.
    unsigned long bits = SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                         SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    return answer(prctl(PR_SET_SECUREBITS, bits, 0, 0, 0));
}
int csh_clear_ambient(void) { return answer(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)); }
int csh_no_new_privileges(void) { return answer(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }
int csh_set_dumpable(int on) { return answer(prctl(PR_SET_DUMPABLE, on, 0, 0, 0)); }

int csh_set_root_ids(void) {
    if (syscall(SYS_setgroups, 0, NULL) != 0) return -errno;
    if (syscall(SYS_setresgid, 0, 0, 0) != 0) return -errno;
    return answer(syscall(SYS_setresuid, 0, 0, 0));
}

int csh_set_ids(uint32_t user, uint32_t group, const uint32_t *groups, size_t count) {
    if (syscall(SYS_setgroups, count, groups) != 0) return -errno;
    if (syscall(SYS_setresgid, group, group, group) != 0) return -errno;
    return answer(syscall(SYS_setresuid, user, user, user));
}

int csh_limit_files(uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
    // Raising a hard limit needs a capability that this process may not have: the lower of both is what is asked for.
    if (wanted < limit.rlim_max) limit.rlim_max = wanted;
    limit.rlim_cur = limit.rlim_max;
    return answer(setrlimit(RLIMIT_NOFILE, &limit));
}
int csh_no_core(void) {
    struct rlimit none = {0, 0};
    return answer(setrlimit(RLIMIT_CORE, &none));
}

int csh_install_filter(const uint8_t *program, size_t instructions) {
    _Static_assert(sizeof(struct sock_filter) == 8, "eight bytes an instruction");
    struct sock_filter filter[BPF_MAXINSNS];
    if (instructions == 0 || instructions > BPF_MAXINSNS) return -E2BIG;
    memcpy(filter, program, instructions * sizeof filter[0]);
    struct sock_fprog whole = {(unsigned short)instructions, filter};
    return answer(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole));
}

static const struct {
    const char *name;
    int number;
} names[] = {
#include "csh_syscalls.inc"
};

int csh_syscall_number(const char *name) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        // The first letter first: a profile asks four hundred times, on the way of every start.
        if (names[i].name[0] == name[0] && strcmp(names[i].name, name) == 0) return names[i].number;
    return -ENOSYS;
}

uint32_t csh_audit_architecture(void) {
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    return AUDIT_ARCH_AARCH64;
#else
#error "no profile for this architecture"
#endif
}

int csh_block_signals(void) {
    sigset_t all;
    sigfillset(&all);
    return answer(sigprocmask(SIG_SETMASK, &all, NULL));
}
int csh_reset_signals(void) {
    csh_default_actions();
    sigset_t none;
    sigemptyset(&none);
    return answer(sigprocmask(SIG_SETMASK, &none, NULL));
}
int csh_signalfd(void) {
    sigset_t all;
    sigfillset(&all);
    return answer(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
}
int csh_next_signal(int fd, int *sender) {
    struct signalfd_siginfo info;
    ssize_t count = read(fd, &info, sizeof info);
    if (count != (ssize_t)sizeof info) return 0;
    *sender = (int)info.ssi_pid;
    return (int)info.ssi_signo;
}

static int64_t now(clockid_t clock, int64_t per_second) {
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return 0;
    return time.tv_sec * per_second + time.tv_nsec / (1000000000 / per_second);
}
int64_t csh_realtime_ns(void) { return now(CLOCK_REALTIME, 1000000000); }
int64_t csh_monotonic_ms(void) { return now(CLOCK_MONOTONIC, 1000); }
