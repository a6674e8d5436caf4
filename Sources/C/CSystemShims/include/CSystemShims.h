#pragma once
#include <stddef.h>
#include <stdint.h>

// Everything here answers 0 or a non-negative number, or -errno: nothing reads errno across the border.

// One child to start. Pointers are borrowed for the call.
struct csh_spawn_plan {
    const char *program;
    char *const *arguments;    // NULL-terminated, with argv[0]
    char *const *environment;  // NULL-terminated
    const int *child_fds;      // child_fds[i] in the child is parent_fds[i] here
    const int *parent_fds;
    size_t fd_count;
    const char *working_directory;  // or NULL
    uint64_t namespaces;            // CLONE_NEW* flags
    int new_session;
    int cgroup_v2;  // descriptor of a v2 directory, or -1
    int64_t uid;    // -1 keeps it
    int64_t gid;
    int end_with_parent;  // SIGKILL when the thread that spawns ends
};

struct csh_spawned {
    int pid;
    int pidfd;
    int failed_step;  // 0, or where the child failed: 1 clone 2 session 3 descriptors 4 directory 5 ids 6 exec
};

int csh_spawn(const struct csh_spawn_plan *plan, struct csh_spawned *result);

// At most so many heaps, whatever the number of threads.
void csh_share_arenas(int count);

int csh_fork(void);
int csh_pipe(int *read_end, int *write_end);
int csh_pidfd_open(int pid);
int csh_pidfd_signal(int pidfd, int signal_number);
// 1 and *kind (1 exited, 2 signaled) when reaped, 0 when it still runs, -ECHILD when it is not ours.
int csh_reap_pidfd(int pidfd, int *kind, int *value);
// Reaps any one child without waiting: its pid, 0 when none has ended, -ECHILD when there are none.
int csh_reap_any(int *kind, int *value);
// Reaps one child without waiting: 1 when it had ended, 0 when it runs, -ECHILD when it is not ours.
int csh_reap_child(int pid);
int csh_become_subreaper(void);

// A set of descriptors to wait for; each is told apart by its tag. At most 64 tags at once.
int csh_waitset_make(void);
int csh_waitset_add(int set, int fd, uint64_t tag);
int csh_waitset_remove(int set, int fd);
int csh_waitset_wait(int set, uint64_t *tags, int capacity, int milliseconds);

int csh_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int csh_syncfs(int fd);
int csh_open_tree(int dirfd, const char *path, unsigned flags);
int csh_move_mount(int from, int to);
int csh_fsopen(const char *type);
int csh_fsconfig_string(int fd, const char *key, const char *value);
int csh_fsconfig_flag(int fd, const char *key);
int csh_fsconfig_create(int fd);
int csh_fsmount(int fd, unsigned attributes);
int csh_mount_setattr(int fd, uint64_t set, int recursive);
int csh_pivot_here(void);
int csh_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
int csh_unmount_detached(const char *path);
int csh_memfd(const char *name);
int csh_setns_net(int fd);
// Enters a copy of the mount namespace that a descriptor holds; root and working directory become its root.
int csh_enter_mounts(int fd);
// Hands a descriptor to who holds the other end of a stream socket.
int csh_send_descriptor(int socket, int fd);
// Takes one that was handed over, close-on-exec, without waiting for it; -EAGAIN or -ENOENT when there is none.
int csh_receive_descriptor(int socket);
// Joins namespaces of the process behind a pidfd: CLONE_NEW* flags.
int csh_setns_process(int pidfd, int flags);
int csh_join_session_keyring(void);
// The terminal on `fd` becomes this session's own.
int csh_take_terminal(int fd);
// Rows and columns of a terminal.
int csh_resize_terminal(int fd, int rows, int columns);
// A new pseudo terminal, both ends close-on-exec.
int csh_open_terminal(int *master, int *slave);
int csh_close_range_cloexec(unsigned first);
int csh_renameat(int from_dir, const char *from, int to_dir, const char *to);

int csh_drop_bounding(unsigned capability);
int csh_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable);
int csh_lock_securebits(void);
int csh_clear_ambient(void);
int csh_no_new_privileges(void);
int csh_set_dumpable(int on);
int csh_set_root_ids(void);
int csh_set_ids(uint32_t user, uint32_t group, const uint32_t *groups, size_t count);
int csh_limit_files(uint64_t wanted);
int csh_no_core(void);
// Eight bytes an instruction: code u16, jt u8, jf u8, k u32, in the machine's order.
int csh_install_filter(const uint8_t *program, size_t instructions);
// The number of a system call on this architecture, or -ENOSYS when it has none.
int csh_syscall_number(const char *name);
uint32_t csh_audit_architecture(void);

// The version of Landlock that this kernel has, or -ENOSYS, or -EOPNOTSUPP when it is switched off.
int csh_landlock_version(void);
// A rule set that handles these rights to files and these scopes; a descriptor.
int csh_landlock_make(int version, uint64_t files, uint64_t scopes);
int csh_landlock_allow(int set, int beneath, uint64_t rights);
int csh_landlock_restrict(int set);

// A user namespace whose ids from 0 on are those of this machine from `first` on; a descriptor. The caller stays.
int csh_user_namespace(uint32_t first, uint32_t count);
int csh_enter_users(int fd);
// Mounts of the calling thread's own from now on, none of which anybody else sees.
int csh_own_mounts(void);
// The ids on disk of a detached mount are those inside that namespace.
int csh_mount_shift(int fd, int namespace);
// Whose new files are, without the loss of capabilities that setfsuid(2) otherwise means.
int csh_set_file_ids(uint32_t id);
// Undoes it.
int csh_reset_file_ids(void);

int csh_block_signals(void);
// Every signal does its default again, ignored ones included, which execve(2) keeps. Async-signal-safe.
void csh_default_actions(void);
int csh_reset_signals(void);
int csh_signalfd(void);
// The next signal and its sender (0: from outside the pid namespace), or 0 when there is none.
int csh_next_signal(int fd, int *sender);
int64_t csh_realtime_ns(void);
int64_t csh_monotonic_ms(void);

