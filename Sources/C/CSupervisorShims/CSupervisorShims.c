#define _GNU_SOURCE
#include "CSupervisorShims.h"
#include <linux/capability.h>
#include <sys/mount.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* pivot_root(2), "pivot_root(".", ".")": the old tree leaves the mount namespace with its last reference. The new root
 * holds nothing and can hold nothing. */
int csv_empty_root(void) {
    unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -errno;
    if (mount("none", "/tmp", "tmpfs", flags, "size=4k,nr_inodes=1,mode=0555") != 0) return -errno;
    if (chdir("/tmp") != 0 || syscall(SYS_pivot_root, ".", ".") != 0) return -errno;
    return umount2(".", MNT_DETACH) != 0 || chdir("/") != 0 ? -errno : 0;
}

int csv_become(uint32_t identity, int user_namespace) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    /* Without the fix-up the new user keeps the capabilities for a moment: some kernels let nobody else unshare. */
    if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0) return -errno;
    if (syscall(SYS_setgroups, 0, NULL) != 0) return -errno;
    if (syscall(SYS_setresgid, identity, identity, identity) != 0) return -errno;
    if (syscall(SYS_setresuid, identity, identity, identity) != 0) return -errno;
    /* No user is mapped into it: whatever a capability is asked for is somebody else's. It begins with all of them. */
    if (user_namespace && syscall(SYS_unshare, CLONE_NEWUSER) != 0) return -errno;
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return -errno;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -errno;
    return syscall(SYS_capset, &header, none) != 0 ? -errno : 0;
}

int csv_set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? -errno : 0; }

int csv_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0; }

int csv_limit(int resource, uint64_t value) {
    struct rlimit limit = {value, value};
    return setrlimit((__rlimit_resource_t)resource, &limit) ? -errno : 0;
}

int csv_landlock_deny_all(void) {
    /* The kernel's own layout, since the installed header may be older than the kernel. */
    struct { uint64_t files, network, scopes; } handled = {0, 0, 0};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 0) return -errno;
    handled.files = (1u << 13) - 1;
    if (abi >= 2) handled.files |= 1u << 13;
    if (abi >= 3) handled.files |= 1u << 14;
    if (abi >= 5) handled.files |= 1u << 15;
    if (abi >= 4) handled.network = 3;
    if (abi >= 6) handled.scopes = 3;
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    int set = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
    if (set < 0) return -errno;
    int status = syscall(SYS_landlock_restrict_self, set, 0) ? -errno : 0;
    close(set);
    return status;
}

int csv_load_filter(const struct sock_filter *rows, uint16_t count) {
    struct sock_fprog program = {count, (struct sock_filter *)(uintptr_t)rows};
    long status = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    return status == 0 ? 0 : status > 0 ? -ESRCH : -errno;
}
