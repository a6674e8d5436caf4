// Starting and reaping children. Between clone3 and execve only async-signal-safe calls: the parent has threads.
#define _GNU_SOURCE
#include "CSystemShims.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define MAX_FDS 64

struct failure {
    int step;
    int number;
};

static void fail(int report, int step) {
    struct failure record = {step, errno};
    ssize_t ignored = write(report, &record, sizeof record);
    (void)ignored;
    _exit(127);
}

void csh_default_actions(void) {
    // The raw call: glibc's refuses its own signals 32 and 33, which a parent may have left ignored.
    const uint64_t standard[4] = {0};
    for (int number = 1; number <= 64; number++) syscall(SYS_rt_sigaction, number, standard, NULL, 8);
}

static void child(const struct csh_spawn_plan *plan, int report) {
    // Copies go above every target first, so that no dup2 overwrites a source that is still to come.
    int highest = 2;
    for (size_t i = 0; i < plan->fd_count; i++)
        if (plan->child_fds[i] > highest) highest = plan->child_fds[i];
    int up = fcntl(report, F_DUPFD_CLOEXEC, highest + 1);
    if (up < 0) fail(report, 3);
    report = up;
    int copies[MAX_FDS];
    for (size_t i = 0; i < plan->fd_count; i++) {
        copies[i] = fcntl(plan->parent_fds[i], F_DUPFD_CLOEXEC, highest + 1);
        if (copies[i] < 0) fail(report, 3);
    }
    if (plan->new_session && setsid() < 0) fail(report, 2);
    if (syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_CLOEXEC) != 0) fail(report, 3);
    int listed = 0;
    for (size_t i = 0; i < plan->fd_count; i++) {
        if (plan->child_fds[i] <= 2) listed |= 1 << plan->child_fds[i];
        if (dup2(copies[i], plan->child_fds[i]) < 0) fail(report, 3);
    }
    for (int number = 0; number <= 2; number++) {
        if (listed & (1 << number)) continue;
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0) fail(report, 3);
        if (null == number) {
            if (fcntl(number, F_SETFD, 0) != 0) fail(report, 3);
        } else if (dup2(null, number) < 0) {
            fail(report, 3);
        }
    }
    if (plan->working_directory != NULL && chdir(plan->working_directory) != 0) fail(report, 4);
    // The raw calls: glibc's would signal threads that this copy does not have.
    if (plan->gid >= 0) {
        gid_t gid = (gid_t)plan->gid;
        if (syscall(SYS_setgroups, 0, NULL) != 0) fail(report, 5);
        if (syscall(SYS_setresgid, gid, gid, gid) != 0) fail(report, 5);
    }
    if (plan->uid >= 0) {
        uid_t uid = (uid_t)plan->uid;
        if (syscall(SYS_setresuid, uid, uid, uid) != 0) fail(report, 5);
    }
    // After the ids, whose change forgets it. A parent that died before this is not told apart: the child ends later.
    if (plan->end_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail(report, 5);
    csh_default_actions();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(plan->program, plan->arguments, plan->environment);
    fail(report, 6);
}

struct birth {
    const struct csh_spawn_plan *plan;
    int report;
};

static void begin(void *subject) {
    const struct birth *birth = subject;
    child(birth->plan, birth->report);
}

// clone3(2) whose child calls `body` on the stack that `arguments` names: glibc 2.36 has no wrapper, and its syscall()
// would return in the child on a stack that both share.
static long clone_onto_stack(struct clone_args *arguments, void (*body)(void *), void *subject) {
#if defined(__x86_64__)
    register void (*function)(void *) __asm__("r8") = body;
    register void *argument __asm__("r9") = subject;
    long result;
    __asm__ volatile(
        "syscall\n\t"
        "testq %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xorl %%ebp, %%ebp\n\t"
        "movq %%r9, %%rdi\n\t"
        "callq *%%r8\n\t"
        "ud2\n"
        "1:"
        : "=a"(result)
        : "a"((long)SYS_clone3), "D"(arguments), "S"(sizeof *arguments), "r"(function), "r"(argument)
        : "rcx", "r11", "memory", "cc");
    return result;
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register long first __asm__("x0") = (long)arguments;
    register long second __asm__("x1") = sizeof *arguments;
    register void (*function)(void *) __asm__("x9") = body;
    register void *argument __asm__("x10") = subject;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t"
        "mov x0, x10\n\t"
        "blr x9\n\t"
        "brk #0\n"
        "1:"
        : "+r"(first)
        : "r"(number), "r"(second), "r"(function), "r"(argument)
        : "memory", "cc");
    return first;
#else
#error "no clone for this architecture"
#endif
}

int csh_spawn(const struct csh_spawn_plan *plan, struct csh_spawned *result) {
    result->pid = -1;
    result->pidfd = -1;
    result->failed_step = 1;
    if (plan->fd_count > MAX_FDS) return -E2BIG;
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    int pidfd = -1;
    struct clone_args arguments = {0};
    arguments.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | plan->namespaces;
    arguments.pidfd = (uint64_t)(uintptr_t)&pidfd;
    arguments.exit_signal = SIGCHLD;
    if (plan->cgroup_v2 >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)plan->cgroup_v2;
    }
    // The child borrows this memory, and this thread sleeps, until it runs the program: nothing is copied, which for
    // a process of many mappings is most of a fork's cost. Not where it becomes another user before that: the
    // memory would be for a moment that user's, and this process would no longer be dumpable.
    if (plan->uid < 0 && plan->gid < 0) arguments.flags |= CLONE_VM | CLONE_VFORK;
    _Alignas(16) char stack[32 * 1024];
    arguments.stack = (uint64_t)(uintptr_t)stack;
    arguments.stack_size = sizeof stack;
    struct birth birth = {plan, report[1]};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    long pid = clone_onto_stack(&arguments, begin, &birth);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return (int)pid;
    }
    struct failure record = {0, 0};
    ssize_t count;
    do {
        count = read(report[0], &record, sizeof record);
    } while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count == (ssize_t)sizeof record) {
        siginfo_t info;
        while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0 && errno == EINTR) {}
        close(pidfd);
        result->failed_step = record.step;
        return -record.number;
    }
    result->pid = (int)pid;
    result->pidfd = pidfd;
    result->failed_step = 0;
    return 0;
}

int csh_fork(void) {
    pid_t pid = fork();
    return pid < 0 ? -errno : pid;
}

int csh_pipe(int *read_end, int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int csh_pidfd_open(int pid) {
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}

int csh_pidfd_signal(int pidfd, int signal_number) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0) != 0 ? -errno : 0;
}

static void tell(const siginfo_t *info, int *kind, int *value) {
    *kind = info->si_code == CLD_EXITED ? 1 : 2;
    *value = info->si_status;
}

int csh_reap_pidfd(int pidfd, int *kind, int *value) {
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0) return -errno;
    if (info.si_pid == 0) return 0;
    tell(&info, kind, value);
    return 1;
}

int csh_reap_any(int *kind, int *value) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) return -errno;
    if (info.si_pid == 0) return 0;
    tell(&info, kind, value);
    return info.si_pid;
}

int csh_reap_child(int pid) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) != 0) return -errno;
    return info.si_pid == pid;
}

int csh_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ? -errno : 0; }
