import CSupervisorShims
import Glibc
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
/// | `clock_gettime` | clocks 0, 1, 2 | `table.sort` seeds its pivot by `clock()` |
/// | `exit_group` | – | the end |
///
/// Everything else, and every other architecture, kills the process.
/// - Source: `.ci/supervisor-filter.c` prints these rows; a test compares.
public enum SupervisorFilter {
    /// Loads the filter on every thread; there is no way back.
    ///
    /// - Throws: the errno of seccomp(2); ENOSYS on an architecture for which no filter was made.
    public static func load() throws(SyscallError) {
        guard !program.isEmpty else { throw SyscallError("seccomp", ENOSYS) }
        let status = unsafe program.withUnsafeBufferPointer { unsafe csv_load_filter($0.baseAddress, UInt16($0.count)) }
        guard status == 0 else { throw SyscallError("seccomp", -status) }
    }

    /// The instructions, one text each, as the generator prints them.
    public static var listing: [String] {
        program.map { row in
            "\(row.code) \(row.jt) \(row.jf) \(row.k)"
        }
    }

    #if arch(x86_64)
    private static let program: [sock_filter] = [
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000004),
        .init(code: 0x15, jt: 0, jf: 45, k: 0xc000003e),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000000),
        .init(code: 0x35, jt: 0, jf: 1, k: 0x40000000),
        .init(code: 0x15, jt: 0, jf: 42, k: 0xffffffff),
        .init(code: 0x15, jt: 40, jf: 0, k: 0x0000000b),
        .init(code: 0x15, jt: 39, jf: 0, k: 0x0000000c),
        .init(code: 0x15, jt: 38, jf: 0, k: 0x000000e7),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 36, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 33, jf: 34, k: 0x00000003),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x00000019),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000002c),
        .init(code: 0x15, jt: 0, jf: 31, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000028),
        .init(code: 0x15, jt: 28, jf: 29, k: 0x00000001),
        .init(code: 0x15, jt: 0, jf: 5, k: 0x00000001),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 26, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 23, jf: 0, k: 0x00000003),
        .init(code: 0x15, jt: 22, jf: 23, k: 0x00000002),
        .init(code: 0x15, jt: 0, jf: 6, k: 0x000000e4),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x15, jt: 0, jf: 20, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x15, jt: 17, jf: 0, k: 0x00000002),
        .init(code: 0x15, jt: 16, jf: 0, k: 0x00000001),
        .init(code: 0x15, jt: 15, jf: 16, k: 0x00000000),
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
    #else
    private static let program: [sock_filter] = []
    #endif
}
