import Glibc

/// Descriptor numbers that were not used for a long time.
///
/// The core closes the descriptor it was given, and a late call of that connection still names its number: a
/// newcomer under the same number would lend it its credentials.
struct FreshNumbers {
    private let first: CInt
    private let end: CInt
    private var next: CInt

    init() {
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        end = CInt(clamping: min(isKnown ? limit.rlim_cur : 1024, 8192))
        first = end / 4
        next = first
    }

    /// A duplicate under the next number; nil if the process has none left.
    mutating func duplicate(_ number: CInt) -> CInt? {
        for start in [next, first] {
            let copy = fcntl(number, F_DUPFD_CLOEXEC, start)
            guard copy >= 0 else { continue }
            next = copy + 1 < end ? copy + 1 : first
            return copy
        }
        return nil
    }
}
