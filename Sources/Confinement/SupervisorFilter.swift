import CSupervisorShims
public import SystemLayer

/// The system calls that a supervisor keeps, as BPF made ahead by libseccomp.
///
/// | call | condition | why |
/// |---|---|---|
/// | `read` | descriptor 3 | frames |
/// | `write` | descriptor 2 or 3 | last words, frames |
/// | `brk` | – | malloc's arena |
/// | `mmap` | READ and WRITE at most, private and anonymous, no file | large blocks |
/// | `munmap` | – | the same, freed |
/// | `mremap` | MAYMOVE alone | the same, grown |
/// | `clock_gettime` | the process's own clock | `table.sort` seeds its pivot by `clock()` |
/// | `time` | no pointer | Lua's hash seed, where the kernel offers no vDSO; `clock_gettime` 5 on aarch64 |
/// | `exit_group` | – | the end |
///
/// Everything else, and every other architecture, kills the process. There is no filter for a third architecture, and
/// so no build for it.
/// - Source: `.ci/supervisor-filter.c` prints these rows; a test compares. Another test shows who needs each row.
public enum SupervisorFilter {
    /// Loads the filter on every thread; there is no way back.
    ///
    /// - Throws: the errno of seccomp(2).
    public static func load() throws(SyscallError) {
        let status = unsafe program.withUnsafeBufferPointer { unsafe csv_load_filter($0.baseAddress, UInt16($0.count)) }
        guard status == 0 else { throw SyscallError("seccomp", -status) }
    }

    /// The instructions as the kernel takes them, eight bytes each.
    public static var bytes: [UInt8] { unsafe program.withUnsafeBytes { unsafe Array($0) } }

    #if arch(x86_64)
    private static let program: [sock_filter] = [
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000004),
        .init(code: 0x15, jt: 0, jf: 48, k: 0xc000003e),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000000),
        .init(code: 0x35, jt: 0, jf: 1, k: 0x40000000),
        .init(code: 0x15, jt: 0, jf: 45, k: 0xffffffff),
        .init(code: 0x15, jt: 43, jf: 0, k: 0x0000000b),
        .init(code: 0x15, jt: 42, jf: 0, k: 0x0000000c),
        .init(code: 0x15, jt: 41, jf: 0, k: 0x000000e7),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 39, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 36, jf: 37, k: 0x00000003),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x00000019),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000002c),
        .init(code: 0x15, jt: 0, jf: 34, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000028),
        .init(code: 0x15, jt: 31, jf: 32, k: 0x00000001),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x000000c9),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 29, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 26, jf: 27, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x000000e4),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 24, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 21, jf: 22, k: 0x00000002),
        .init(code: 0x15, jt: 0, jf: 5, k: 0x00000001),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 19, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 16, jf: 0, k: 0x00000003),
        .init(code: 0x15, jt: 15, jf: 16, k: 0x00000002),
        .init(code: 0x15, jt: 0, jf: 15, k: 0x00000009),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000024),
        .init(code: 0x15, jt: 0, jf: 13, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000020),
        .init(code: 0x54, jt: 0, jf: 0, k: 0xfffffffc),
        .init(code: 0x15, jt: 0, jf: 10, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000002c),
        .init(code: 0x15, jt: 0, jf: 8, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000028),
        .init(code: 0x15, jt: 0, jf: 6, k: 0x00000022),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000034),
        .init(code: 0x54, jt: 0, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 3, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000030),
        .init(code: 0x15, jt: 0, jf: 1, k: 0xffffffff),
        .init(code: 0x06, jt: 0, jf: 0, k: 0x7fff0000),
        .init(code: 0x06, jt: 0, jf: 0, k: 0x80000000),
    ]
    #elseif arch(arm64)
    private static let program: [sock_filter] = [
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000004),
        .init(code: 0x15, jt: 0, jf: 41, k: 0xc00000b7),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 38, jf: 0, k: 0x0000005e),
        .init(code: 0x15, jt: 37, jf: 0, k: 0x000000d6),
        .init(code: 0x15, jt: 36, jf: 0, k: 0x000000d7),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x0000003f),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 34, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 31, jf: 32, k: 0x00000003),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x000000d8),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000002c),
        .init(code: 0x15, jt: 0, jf: 29, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000028),
        .init(code: 0x15, jt: 26, jf: 27, k: 0x00000001),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x00000040),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 24, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 21, jf: 5, k: 0x00000003),
        .init(code: 0x15, jt: 0, jf: 5, k: 0x00000071),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 19, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 16, jf: 0, k: 0x00000005),
        .init(code: 0x15, jt: 15, jf: 16, k: 0x00000002),
        .init(code: 0x15, jt: 0, jf: 15, k: 0x000000de),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000024),
        .init(code: 0x15, jt: 0, jf: 13, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000020),
        .init(code: 0x54, jt: 0, jf: 0, k: 0xfffffffc),
        .init(code: 0x15, jt: 0, jf: 10, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000002c),
        .init(code: 0x15, jt: 0, jf: 8, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000028),
        .init(code: 0x15, jt: 0, jf: 6, k: 0x00000022),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000034),
        .init(code: 0x54, jt: 0, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 3, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000030),
        .init(code: 0x15, jt: 0, jf: 1, k: 0xffffffff),
        .init(code: 0x06, jt: 0, jf: 0, k: 0x7fff0000),
        .init(code: 0x06, jt: 0, jf: 0, k: 0x80000000),
    ]
    #else
    #error("no supervisor filter for this architecture: add one to .ci/supervisor-filter.c")
    #endif
}
