import HostErrors
import Synchronization
import SystemLayer

#if DEBUG
import Glibc
#endif

/// Named places where a test makes the host die or fail; a release build has none of it.
///
/// `SUBSTRATE_FAILPOINT="name=kill"` or `"name@3=error(storage_full)"` arms one, at its third hit in the second form;
/// several are separated by commas. `"name=while(FILE)"` stays there as long as the file does.
/// `SUBSTRATE_FAILPOINT_TRACE=FILE` appends the name of every one that is reached.
enum FailPoint {
    /// Passes through a point; dies or throws there when it is armed.
    @inline(__always)
    static func reach(_ name: @autoclosure () -> String) throws(HostError) {
        #if DEBUG
        try Armed.shared.reach(name())
        #endif
    }
}

#if DEBUG
/// What the environment asked for, read once.
private struct Armed: ~Copyable {
    static let shared = Armed()

    private struct Point {
        let name: String
        let hit: Int
        let action: String
    }
    private let points: [Point]
    private let trace: String?
    private let seen = Mutex<[String: Int]>([:])

    init() {
        trace = Self.environment("SUBSTRATE_FAILPOINT_TRACE")
        points = (Self.environment("SUBSTRATE_FAILPOINT") ?? "").split(separator: ",").map { text in
            let parts = text.split(separator: "=", maxSplits: 1)
            let target = parts.first.map { $0.split(separator: "@", maxSplits: 1).map(String.init) } ?? []
            return Point(
                name: target.first ?? "",
                hit: target.count > 1 ? Int(target[1]) ?? 1 : 1,
                action: parts.count > 1 ? String(parts[1]) : ""
            )
        }
    }

    func reach(_ name: String) throws(HostError) {
        if let trace { Self.append(name + "\n", to: trace) }
        guard !points.isEmpty else { return }
        let count = seen.withLock { seen in
            seen[name, default: 0] += 1
            return seen[name]
        }
        guard let point = points.first(where: { $0.name == name && $0.hit == count }) else { return }
        switch point.action {
        // What a power cut or an OOM killer does: nothing of ours runs any more.
        case "kill": kill(getpid(), SIGKILL)
        case "error(storage_full)":
            throw HostError(.resourceExhausted, .storageFull, "fail point \(name): the disk is full")
        case let action where action.hasPrefix("while(") && action.hasSuffix(")"):
            while unsafe access(String(action.dropFirst(6).dropLast()), F_OK) == 0 { usleep(1000) }
        default: throw HostError(.internal, nil, "fail point \(name)")
        }
    }

    private static func append(_ line: String, to path: String) {
        let file = OwnedFD(unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
        try? writeAll(Array(line.utf8), to: file.rawValue)
    }

    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
#endif
