import CSupervisorShims
import Glibc
public import SystemLayer

/// The system calls that the unpacker keeps before it reads a stranger's byte, as BPF made ahead by libseccomp.
///
/// | calls | condition | why |
/// |---|---|---|
/// | `read` `write` `pread64` `pwrite64` `lseek` `close` `getdents64` `fsync` `syncfs` | – | what is open |
/// | `fchmod` `fchown` `ftruncate` `fsetxattr` `fgetxattr` | – | what was just made; opaque directories |
/// | `fcntl` | F_GETFL, F_SETFD | reading a directory |
/// | `openat` `newfstatat` `readlinkat` `mkdirat` `unlinkat` `fchownat` `utimensat` `symlinkat` | beneath a descriptor | the tree |
/// | `linkat` | two descriptors, no flag | hard links |
/// | `mknodat` | a character device 0:0 beneath a descriptor | whiteouts |
/// | `brk` `munmap` `mmap` `mremap` | as a supervisor's: never executable, never a file | memory |
/// | `getrandom` | – | hash seeds |
/// | `exit_group` | – | the end |
///
/// `openat` and `newfstatat` by a path alone answer ENOENT: iconv looks for its tables that way. Everything else, and
/// every other architecture, kills the process.
/// - Source: security note §2, P4; `.ci/unpack-filter.c` prints these rows, and a test compares.
public enum UnpackFilter {
    /// Loads the filter on every thread; there is no way back.
    ///
    /// - Throws: the errno of seccomp(2); ENOSYS on an architecture for which no filter was made.
    public static func load() throws(SyscallError) {
        guard !program.isEmpty else { throw SyscallError("seccomp", ENOSYS) }
        let status = unsafe program.withUnsafeBufferPointer { unsafe csv_load_filter($0.baseAddress, UInt16($0.count)) }
        guard status == 0 else { throw SyscallError("seccomp", -status) }
    }

    #if arch(x86_64)
    private static let program: [sock_filter] = [
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000004),
        .init(code: 0x15, jt: 0, jf: 109, k: 0xc000003e),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000000),
        .init(code: 0x35, jt: 0, jf: 1, k: 0x40000000),
        .init(code: 0x15, jt: 0, jf: 106, k: 0xffffffff),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000000),
        .init(code: 0x25, jt: 0, jf: 62, k: 0x0000005d),
        .init(code: 0x25, jt: 0, jf: 28, k: 0x00000104),
        .init(code: 0x25, jt: 0, jf: 4, k: 0x0000010a),
        .init(code: 0x15, jt: 100, jf: 0, k: 0x0000013e),
        .init(code: 0x15, jt: 99, jf: 0, k: 0x00000132),
        .init(code: 0x15, jt: 41, jf: 0, k: 0x00000118),
        .init(code: 0x15, jt: 40, jf: 98, k: 0x0000010b),
        .init(code: 0x15, jt: 0, jf: 5, k: 0x0000010a),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000001c),
        .init(code: 0x25, jt: 95, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 93, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000018),
        .init(code: 0x25, jt: 92, jf: 91, k: 0x000003ff),
        .init(code: 0x15, jt: 0, jf: 14, k: 0x00000109),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x25, jt: 89, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 2, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x25, jt: 86, jf: 0, k: 0x000003ff),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000024),
        .init(code: 0x25, jt: 84, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 2, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000020),
        .init(code: 0x25, jt: 81, jf: 0, k: 0x000003ff),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000034),
        .init(code: 0x15, jt: 0, jf: 79, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000030),
        .init(code: 0x15, jt: 76, jf: 77, k: 0x00000000),
        .init(code: 0x15, jt: 18, jf: 0, k: 0x00000107),
        .init(code: 0x15, jt: 23, jf: 75, k: 0x00000106),
        .init(code: 0x25, jt: 0, jf: 28, k: 0x000000e7),
        .init(code: 0x15, jt: 15, jf: 0, k: 0x00000104),
        .init(code: 0x15, jt: 0, jf: 13, k: 0x00000103),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x25, jt: 70, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 2, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x25, jt: 67, jf: 0, k: 0x000003ff),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000024),
        .init(code: 0x15, jt: 0, jf: 65, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000020),
        .init(code: 0x15, jt: 0, jf: 63, k: 0x00002000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000002c),
        .init(code: 0x15, jt: 0, jf: 61, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000028),
        .init(code: 0x15, jt: 58, jf: 59, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 5, k: 0x00000102),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x25, jt: 56, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 54, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x25, jt: 53, jf: 52, k: 0x000003ff),
        .init(code: 0x15, jt: 0, jf: 52, k: 0x00000101),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000014),
        .init(code: 0x25, jt: 3, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 48, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000010),
        .init(code: 0x25, jt: 0, jf: 46, k: 0x000003ff),
        .init(code: 0x06, jt: 0, jf: 0, k: 0x00050002),
        .init(code: 0x15, jt: 44, jf: 0, k: 0x000000e7),
        .init(code: 0x15, jt: 43, jf: 0, k: 0x000000d9),
        .init(code: 0x15, jt: 42, jf: 0, k: 0x000000c1),
        .init(code: 0x15, jt: 41, jf: 42, k: 0x000000be),
        .init(code: 0x25, jt: 0, jf: 18, k: 0x0000000c),
        .init(code: 0x25, jt: 0, jf: 4, k: 0x00000048),
        .init(code: 0x15, jt: 38, jf: 0, k: 0x0000005d),
        .init(code: 0x15, jt: 37, jf: 0, k: 0x0000005b),
        .init(code: 0x15, jt: 36, jf: 0, k: 0x0000004d),
        .init(code: 0x15, jt: 35, jf: 36, k: 0x0000004a),
        .init(code: 0x15, jt: 0, jf: 5, k: 0x00000048),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000001c),
        .init(code: 0x15, jt: 0, jf: 33, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000018),
        .init(code: 0x15, jt: 30, jf: 0, k: 0x00000003),
        .init(code: 0x15, jt: 29, jf: 30, k: 0x00000002),
        .init(code: 0x15, jt: 0, jf: 4, k: 0x00000019),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000002c),
        .init(code: 0x15, jt: 0, jf: 27, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000028),
        .init(code: 0x15, jt: 24, jf: 25, k: 0x00000001),
        .init(code: 0x15, jt: 23, jf: 0, k: 0x00000012),
        .init(code: 0x15, jt: 22, jf: 23, k: 0x00000011),
        .init(code: 0x25, jt: 0, jf: 18, k: 0x00000003),
        .init(code: 0x15, jt: 20, jf: 0, k: 0x0000000c),
        .init(code: 0x15, jt: 19, jf: 0, k: 0x0000000b),
        .init(code: 0x15, jt: 0, jf: 14, k: 0x00000009),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000024),
        .init(code: 0x15, jt: 0, jf: 17, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000020),
        .init(code: 0x54, jt: 0, jf: 0, k: 0xfffffffc),
        .init(code: 0x15, jt: 0, jf: 14, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x0000002c),
        .init(code: 0x15, jt: 0, jf: 12, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000028),
        .init(code: 0x15, jt: 0, jf: 10, k: 0x00000022),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000034),
        .init(code: 0x54, jt: 0, jf: 0, k: 0x00000000),
        .init(code: 0x15, jt: 0, jf: 7, k: 0x00000000),
        .init(code: 0x20, jt: 0, jf: 0, k: 0x00000030),
        .init(code: 0x15, jt: 4, jf: 5, k: 0xffffffff),
        .init(code: 0x15, jt: 3, jf: 4, k: 0x00000008),
        .init(code: 0x15, jt: 2, jf: 0, k: 0x00000003),
        .init(code: 0x15, jt: 1, jf: 0, k: 0x00000001),
        .init(code: 0x15, jt: 0, jf: 1, k: 0x00000000),
        .init(code: 0x06, jt: 0, jf: 0, k: 0x7fff0000),
        .init(code: 0x06, jt: 0, jf: 0, k: 0x80000000),
    ]
    #else
    private static let program: [sock_filter] = []
    #endif
}
