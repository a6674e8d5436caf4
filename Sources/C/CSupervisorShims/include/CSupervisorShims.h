/* Calls that Swift cannot make (they are variadic or have no wrapper), for the supervisor alone. All answer 0 or the
 * negative errno. */
#pragma once
#include <errno.h>
#include <linux/filter.h>
#include <stdint.h>
#include <sys/resource.h>

/* No core file, no ptrace by the same user, and no privileges by exec. */
int csv_set_undumpable(void);
int csv_set_no_new_privileges(void);
/* An empty, read-only root in place of this machine's files; needs a mount namespace of its own. */
int csv_empty_root(void);
/* Becomes this user and group, with no other groups and no capability, in a user namespace of its own if asked. */
int csv_become(uint32_t identity, int user_namespace);
/* Both limits of a resource. */
int csv_limit(int resource, uint64_t value);
/* A Landlock rule set that handles every right the kernel knows and allows none; -ENOSYS or -EOPNOTSUPP without it. */
int csv_landlock_deny_all(void);
/* Loads a filter on all threads. */
int csv_load_filter(const struct sock_filter *rows, uint16_t count);
