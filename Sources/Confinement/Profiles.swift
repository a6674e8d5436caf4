/// The workload profiles, as data.
///
/// What is in no list answers ENOSYS, so that libraries fall back; what is refused by design answers EPERM.
/// - Source: the kernel's own table of calls, up to 6.10; Moby's default profile for the comparison.
enum Profiles {
    /// Calls that stay inside the container or are guarded by its namespaces and capabilities.
    static let allowed = """
        accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_getres
        clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
        epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group
        faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync
        fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue
        futex_wait futex_waitv futex_wake futimesat get_mempolicy get_robust_list getcpu getcwd getdents getdents64
        getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
        getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr
        inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents
        io_pgetevents io_setup io_submit ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset
        landlock_restrict_self lchown lgetxattr link linkat listen listxattr llistxattr llseek lremovexattr lseek
        lsetxattr lstat madvise map_shadow_stack mbind membarrier memfd_create migrate_pages mincore mkdir mkdirat
        mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt move_pages mprotect mq_getsetattr mq_notify
        mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock
        munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
        pkey_alloc pkey_free pkey_mprotect poll ppoll pread64 preadv preadv2 prlimit64 process_vm_readv
        process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
        recvfrom recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq
        rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
        rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
        sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
        sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg
        sendto set_mempolicy set_robust_list set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid
        setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr shmat shmctl
        shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs statx symlink symlinkat
        sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
        timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink
        unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev
        """

    /// Calls that reach the machine as a whole, whatever capability the caller has.
    ///
    /// Mounts, modules, clocks, keyrings (not namespaced fully), tracing of the kernel, swap, quotas, handles by number
    /// (they leave the root), userfaultfd (makes races reliable), memfd_secret (memory nobody accounts for).
    static let refused = """
        acct add_key adjtimex bpf clock_adjtime clock_settime create_module delete_module fanotify_init
        fanotify_mark finit_module fsconfig fsmount fsopen fspick get_kernel_syms init_module ioperm iopl kcmp
        kexec_file_load kexec_load keyctl lookup_dcookie memfd_secret mount mount_setattr move_mount
        name_to_handle_at open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
        process_mrelease query_module quotactl quotactl_fd reboot request_key set_mempolicy_home_node setdomainname
        sethostname setns settimeofday swapoff swapon syslog umount2 uselib userfaultfd ustat vhangup _sysctl chroot
        """

    // Left out on purpose, so ENOSYS: clone3 (flags behind a pointer: libc falls back to clone), io_uring (its requests
    // run unfiltered), statmount and listmount (our mount table).

    /// What `strict` refuses beyond `default`: looking into and writing to other processes' memory.
    static let strictlyRefused = "ptrace process_vm_readv process_vm_writev"

    /// Where `strict` differs from `default` by an argument.
    ///
    /// No AF_NETLINK, and no datagrams over unix sockets: those alone can be sent to somebody who did not accept.
    static let strictlyAsked: [String: FilterAction] = [
        "socket": .ask(
            [2, 10].map { ArgumentRule(argument: 0, test: .equals($0), answer: FilterProgram.allow) } + [
                ArgumentRule(argument: 0, test: .differs(1), answer: FilterProgram.refuse(97)),
                // SOCK_DGRAM is 2, and SOCK_RAW, which unix sockets take for the same, is 3.
                ArgumentRule(argument: 1, test: .hasAny(2), answer: permission),
            ],
            otherwise: FilterProgram.allow
        )
    ]

    /// What a container's process number 1 still needs once its workload runs; everything else answers EPERM.
    ///
    /// Read signals and output, write the spool and the exit record beneath descriptors, reap, kill; memory; the end.
    /// An answer, not a kill: its end would be the workload's.
    static let initial = """
        brk clock_gettime clock_nanosleep close exit exit_group fcntl fstat fsync ftruncate futex getdents64 getrandom
        gettid getpid kill lseek madvise mremap munmap nanosleep newfstatat poll ppoll read renameat
        renameat2 restart_syscall rt_sigprocmask rt_sigreturn tgkill unlinkat wait4 waitid write
        """

    /// Where process number 1's answer depends on an argument.
    static let initiallyAsked: [String: FilterAction] = [
        // AT_FDCWD: it has directories to work in, and no other place.
        "openat": .ask(
            [ArgumentRule(argument: 0, test: .equals(0xFFFF_FF9C), answer: permission)],
            otherwise: FilterProgram.allow
        ),
        // PROT_EXEC: no code but its own.
        "mmap": .ask(
            [ArgumentRule(argument: 2, test: .hasAny(4), answer: permission)],
            otherwise: FilterProgram.allow
        ),
    ]

    /// Calls that depend on an argument.
    static let asked: [String: FilterAction] = [
        // CLONE_NEW{CGROUP,UTS,IPC,USER,PID,NET,NS}: user namespaces multiply the kernel's surface.
        "clone": .ask(
            [ArgumentRule(argument: 0, test: .hasAny(0x7E02_0000), answer: permission)],
            otherwise: FilterProgram.allow
        ),
        // The same and CLONE_NEWTIME, which clone uses for the exit signal.
        "unshare": .ask(
            [ArgumentRule(argument: 0, test: .hasAny(0x7E02_0080), answer: permission)],
            otherwise: FilterProgram.allow
        ),
        // UNIX, INET, INET6 and the routing table; other families load modules by themselves.
        "socket": .ask(
            [1, 2, 10].map { ArgumentRule(argument: 0, test: .equals($0), answer: FilterProgram.allow) }
                + [
                    ArgumentRule(argument: 2, test: .hasAny(.max), answer: FilterProgram.refuse(97)),
                    ArgumentRule(argument: 0, test: .equals(16), answer: FilterProgram.allow),
                ],
            otherwise: FilterProgram.refuse(97)
        ),
        // TIOCSTI and TIOCLINUX put words into a terminal.
        "ioctl": .ask(
            [
                ArgumentRule(argument: 1, test: .equals(0x5412), answer: permission),
                ArgumentRule(argument: 1, test: .equals(0x541C), answer: permission),
            ],
            otherwise: FilterProgram.allow
        ),
        // Asking, and the ordinary one: the others undo address randomisation or execute protection.
        "personality": .ask(
            [
                ArgumentRule(argument: 0, test: .equals(0), answer: FilterProgram.allow),
                ArgumentRule(argument: 0, test: .equals(.max), answer: FilterProgram.allow),
            ],
            otherwise: permission
        ),
        // PR_SET_MM rewrites what /proc says of the process.
        "prctl": .ask(
            [ArgumentRule(argument: 0, test: .equals(35), answer: permission)],
            otherwise: FilterProgram.allow
        ),
    ]

    private static let permission = FilterProgram.refuse(1)
}
