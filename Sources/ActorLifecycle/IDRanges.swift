import Glibc
import SystemLayer

/// The machine's ids that this host gives to the user namespaces of its actors: ranges of 65,536, one an actor.
///
/// | ids | whose |
/// |---|---|
/// | below 65,536 | accounts, and systemd's dynamic users |
/// | 524,288 … 1,879,048,191 | systemd's containers |
/// | 1,879,048,192 … 1,946,157,055 | these, unless the operator says otherwise |
/// | 1,999,999,999 … 2,000,099,999 | this host's supervisors |
/// - Source: systemd's "Users, Groups, UIDs and GIDs".
public struct IDRanges: Sendable, Equatable {
    /// How many ids a range has.
    public static let size: UInt32 = 65_536
    /// How many ranges there are.
    public static let count: UInt32 = 1_024
    /// Where they begin unless the operator says otherwise.
    public static let standardFirst: UInt32 = 1_879_048_192
    /// Where they may begin: above the accounts, and with the last below the supervisors.
    public static let firsts: ClosedRange<Int> = 65_536...(1_999_999_998 - Int(size * count))

    /// The first id of the first range.
    public let first: UInt32

    /// Makes them.
    ///
    /// - Parameter first: in `firsts`.
    public init(first: UInt32 = standardFirst) { self.first = first }

    /// Who of a table has ids of these already.
    ///
    /// - Parameter table: the text of `/etc/subuid` or `/etc/subgid`: `NAME:FIRST:COUNT` a line.
    /// - Returns: the first such line; nil without one.
    public func clash(_ table: String) -> String? {
        let end = UInt64(first) + UInt64(Self.size) * UInt64(Self.count)
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, let start = UInt64(fields[1]), let count = UInt64(fields[2]) else { continue }
            if start < end, start &+ count > UInt64(first) { return String(line) }
        }
        return nil
    }

    /// The lowest range that nobody has.
    ///
    /// - Parameters:
    ///   - taken: the first ids of those that actors have.
    ///   - isUsed: whether somebody of this machine, of another host perhaps, runs as one of its ids.
    /// - Returns: its first id; nil when all are taken.
    func free(except taken: Set<UInt32>, isUsed: (Range<UInt32>) -> Bool) -> UInt32? {
        for number in 0..<Self.count {
            let start = first + number * Self.size
            // Another setting may have given ranges that do not begin where these do.
            let meets = taken.contains { $0 < start + Self.size && start < $0 + Self.size }
            if !meets, !isUsed(start..<start + Self.size) { return start }
        }
        return nil
    }

    /// Whom of these ids processes of this machine run as, other than those that have ended and wait to be reaped.
    func usersAtWork() -> Set<UInt32> {
        let all = first..<first + Self.size * Self.count
        var users: Set<UInt32> = []
        for name in (try? DirectoryTree.names(in: "/proc")) ?? [] where name.utf8.allSatisfy({ (48...57).contains($0) })
        {
            var about = stat()
            guard unsafe stat("/proc/\(name)", &about) == 0, all.contains(about.st_uid) else { continue }
            // Its name may hold anything: the state is behind the last parenthesis.
            let fields = (TextFile.read("/proc/\(name)/stat") ?? "").split(separator: ")").last ?? " Z"
            if !fields.hasPrefix(" Z"), !fields.hasPrefix(" X") { users.insert(about.st_uid) }
        }
        return users
    }
}
