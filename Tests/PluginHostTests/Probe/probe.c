/* Looks at a supervisor from outside, and tries its filter; built and driven by the tests beside it.
 *
 *   probe filter PID             the filter of a running process, raw; exit 3 unless it is the only one
 *   probe sweep FILE             one line in ("abi number a0 a1 a2 a3 a4 a5"), one line out, for each call made by a
 *                                child under the filter of FILE: "signal N", "value N" or "exit N"
 *   probe trace FILE MODE PROGRAM ARGUMENT...
 *                                runs a program and writes what it calls once its filter is loaded: "number" or, where
 *                                the filter asks, "number first-argument", each once. MODE: plain; novdso (no clock is
 *                                read without a call); starve (no memory from the first read on) */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* glibc's sys/ptrace.h and the kernel's header define the same names: the raw call needs the kernel's alone. */
static long trace(long request, pid_t pid, void *address, void *data) {
    return syscall(SYS_ptrace, request, (long)pid, address, data);
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static struct sock_filter rows[4096];
static unsigned short count;

static int filter(pid_t pid) {
    int status;
    if (trace(PTRACE_SEIZE, pid, NULL, NULL) != 0) die("PTRACE_SEIZE");
    if (trace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0) die("PTRACE_INTERRUPT");
    if (waitpid(pid, &status, __WALL) != pid) die("waitpid");
    long length = trace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)0, NULL);
    if (length < 0 || length > 4096) die("PTRACE_SECCOMP_GET_FILTER");
    if (trace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)0, rows) != length) die("PTRACE_SECCOMP_GET_FILTER");
    if (trace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)1, NULL) >= 0 || errno != ENOENT) return 3;
    if (trace(PTRACE_DETACH, pid, NULL, NULL) != 0) die("PTRACE_DETACH");
    return fwrite(rows, sizeof *rows, (size_t)length, stdout) == (size_t)length ? 0 : 1;
}

static long call(char abi, long number, const unsigned long *a) {
#if defined(__x86_64__)
    long result;
    if (abi == 'i') {
        __asm__ volatile("int $0x80"
                         : "=a"(result)
                         : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                         : "memory", "r8", "r9", "r10", "r11");
        return result;
    }
    register unsigned long r10 __asm__("r10") = a[3];
    register unsigned long r8 __asm__("r8") = a[4];
    register unsigned long r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "memory", "rcx", "r11");
    return result;
#else
    (void)abi;
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return result < 0 ? -errno : result;
#endif
}

static int sweep(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    count = (unsigned short)fread(rows, sizeof *rows, 4096, file);
    fclose(file);
    if (count == 0) return 1;
    struct { long value; int returned; } *seen =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED) die("mmap");
    int null = open("/dev/null", O_RDWR);
    if (null < 0) die("/dev/null");
    char abi;
    long number;
    unsigned long a[6];
    while (scanf(" %c %ld %lu %lu %lu %lu %lu %lu", &abi, &number, a, a + 1, a + 2, a + 3, a + 4, a + 5) == 8) {
        seen->returned = 0;
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) {
            struct sock_fprog program = {count, rows};
            struct rlimit none = {0, 0};
            if (null != 3) dup2(null, 3);
            dup2(null, 2);
            setrlimit(RLIMIT_CORE, &none);
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) _exit(99);
            long value = call(abi, number, a);
            seen->value = value;
            seen->returned = 1;
            _exit(0);
        }
        int status;
        if (waitpid(child, &status, 0) != child) die("waitpid");
        if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
        else if (seen->returned) printf("value %ld\n", seen->value);
        else printf("exit %d\n", WEXITSTATUS(status));
    }
    return 0;
}

/* Without its address in the auxiliary vector the C library finds no vDSO. */
static void hide_vdso(pid_t pid) {
    unsigned long registers[64];
    struct iovec vector = {registers, sizeof registers};
    if (trace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector) != 0) die("PTRACE_GETREGSET");
#if defined(__x86_64__)
    unsigned long at = registers[19];
#else
    unsigned long at = registers[31];
#endif
    unsigned long word;
#define PEEK(address) (trace(PTRACE_PEEKDATA, pid, (void *)(address), &word) == 0 ? word : (die("peek"), 0ul))
    at += sizeof at * (PEEK(at) + 2);
    while (PEEK(at) != 0) at += sizeof at;
    for (at += sizeof at; PEEK(at) != AT_NULL; at += 2 * sizeof at) {
        if (PEEK(at) != AT_SYSINFO_EHDR) continue;
        if (trace(PTRACE_POKEDATA, pid, (void *)at, (void *)AT_IGNORE) != 0) die("PTRACE_POKEDATA");
        return;
    }
    fprintf(stderr, "no vDSO to hide\n");
    exit(1);
}

static int is_seen(unsigned long number, unsigned long argument) {
    static unsigned long known[256][2];
    static unsigned length;
    for (unsigned i = 0; i < length; i++)
        if (known[i][0] == number && known[i][1] == argument) return 1;
    if (length < 256) known[length][0] = number, known[length++][1] = argument;
    return 0;
}

static int follow(const char *path, const char *mode, char **arguments) {
    FILE *out = fopen(path, "we");
    if (!out) die(path);
    int starve = strcmp(mode, "starve") == 0;
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        char *environment[] = {"SWIFT_BACKTRACE=enable=no", NULL};
        trace(PTRACE_TRACEME, 0, NULL, NULL);
        execve(arguments[0], arguments, environment);
        _exit(127);
    }
    close(3);
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) die("exec");
    trace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    if (strcmp(mode, "novdso") == 0) hide_vdso(child);
    int loading = 0, loaded = 0;
    long pass = 0;
    while (1) {
        if (trace(PTRACE_SYSCALL, child, NULL, (void *)pass) != 0 && errno != ESRCH) die("PTRACE_SYSCALL");
        if (waitpid(child, &status, 0) != child) die("waitpid");
        if (!WIFSTOPPED(status)) break;
        pass = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
        if (pass != 0) continue;
        struct ptrace_syscall_info info;
        if (trace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) <= 0) die("PTRACE_GET_SYSCALL_INFO");
        if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
            if (loading && info.exit.rval == 0) loaded = 1;
            loading = 0;
            continue;
        }
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
        unsigned long number = info.entry.nr, first = info.entry.args[0];
        loading = number == SYS_seccomp && first == SECCOMP_SET_MODE_FILTER;
        if (!loaded) continue;
        int asks = number == SYS_read || number == SYS_write || number == SYS_clock_gettime;
        if (!is_seen(number, asks ? first : 0)) {
            if (asks) fprintf(out, "%lu %lu\n", number, first);
            else fprintf(out, "%lu\n", number);
        }
        if (starve && number == SYS_read) {
            struct rlimit none = {1 << 20, 1 << 20};
            if (prlimit(child, RLIMIT_AS, &none, NULL) != 0) die("prlimit");
            starve = 0;
        }
    }
    if (WIFSIGNALED(status)) fprintf(out, "signal %d\n", WTERMSIG(status));
    else fprintf(out, "exit %d\n", WEXITSTATUS(status));
    return fclose(out) == 0 && loaded ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "filter") == 0) return filter((pid_t)atoi(argv[2]));
    if (argc == 3 && strcmp(argv[1], "sweep") == 0) return sweep(argv[2]);
    if (argc >= 5 && strcmp(argv[1], "trace") == 0) return follow(argv[2], argv[3], argv + 4);
    fprintf(stderr, "usage: probe filter PID | sweep FILE | trace FILE MODE PROGRAM ARGUMENT...\n");
    return 2;
}
