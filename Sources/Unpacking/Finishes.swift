import Glibc

/// What directories become when everything in them is there: their modes, owners and times.
///
/// Packed, since an archive may hold nothing but directories.
struct Finishes {
    /// One directory.
    struct Finish {
        var parts: [String]
        var mode: UInt32
        var owner: (UInt32, UInt32)
        var modified: timespec
    }
    private struct Row {
        var end: UInt32
        var mode: UInt32
        var user: UInt32
        var group: UInt32
        var seconds: Int
        var nanoseconds: Int
    }
    private var rows: [Row] = []
    private var names: [UInt8] = []

    /// About what they take of the memory.
    var bytes: Int { names.count + rows.count * MemoryLayout<Row>.stride }

    /// Adds one.
    mutating func append(_ finish: Finish) {
        for part in finish.parts {
            names.append(contentsOf: part.utf8)
            names.append(0)
        }
        rows.append(
            Row(
                end: UInt32(names.count),
                mode: finish.mode,
                user: finish.owner.0,
                group: finish.owner.1,
                seconds: finish.modified.tv_sec,
                nanoseconds: finish.modified.tv_nsec
            )
        )
    }

    /// Takes the last one that was added, so that what is below comes before what is above.
    mutating func popLast() -> Finish? {
        guard let row = rows.popLast() else { return nil }
        let start = Int(rows.last?.end ?? 0)
        defer { names.removeLast(names.count - start) }
        return Finish(
            parts: names[start..<Int(row.end)].split(separator: 0).map { String(decoding: $0, as: UTF8.self) },
            mode: row.mode,
            owner: (row.user, row.group),
            modified: timespec(tv_sec: row.seconds, tv_nsec: row.nanoseconds)
        )
    }
}
