// Landlock: the kernel's own layouts, since the installed header may be older than the kernel.
#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

static int answer(long result) { return result < 0 ? -errno : (int)result; }

int csh_landlock_version(void) {
    return answer(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

int csh_landlock_make(int version, uint64_t files, uint64_t scopes) {
    struct {
        uint64_t files, network, scopes;
    } handled = {files, 0, scopes};
    // A kernel refuses fields that it does not know unless they are 0; it is told of none.
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    return answer(syscall(SYS_landlock_create_ruleset, &handled, size, 0));
}

int csh_landlock_allow(int set, int beneath, uint64_t rights) {
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = beneath};
    return answer(syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

int csh_landlock_restrict(int set) { return answer(syscall(SYS_landlock_restrict_self, set, 0)); }
