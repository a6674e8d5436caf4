import Glibc
import LaunchProtocol
import Synchronization
import SystemLayer

/// Reads all that the containers of an actor printed, oldest first; may be asked from any thread.
///
/// A container's log is the spool of its own program, the spools of programs that were started with it as their `log`
/// (`NAME.PROGRAM`), and the file `NAME.log` that programs may append to.
final class ActorTail: Sendable {
    private struct State {
        var sources: [String: any LineSource] = [:]
        /// The next line of each source that has one.
        var pending: [String: WorkloadLine] = [:]
    }
    private let containers: [String]
    private let spools: String
    private let files: String
    private let state = Mutex(State())

    /// Makes one that has read nothing yet.
    ///
    /// - Parameters:
    ///   - containers: whose lines.
    ///   - spools: the directory of the actor's spools.
    ///   - files: the directory that scripts know as `actor.dirs.logs`.
    init(containers: [String], spools: String, files: String) {
        self.containers = containers
        self.spools = spools
        self.files = files
    }

    /// The oldest line that nobody has had; nil when there is none at the moment.
    func next() -> WorkloadLine? {
        state.withLock { state in
            if let line = Self.oldest(&state) { return line }
            // What came into being since it was last looked for.
            discover(&state)
            return Self.oldest(&state)
        }
    }

    private static func oldest(_ state: inout State) -> WorkloadLine? {
        for (path, source) in state.sources where state.pending[path] == nil { state.pending[path] = source.next() }
        let first = state.pending.min { ($0.value.timeNanoseconds, $0.key) < ($1.value.timeNanoseconds, $1.key) }
        return first.flatMap { state.pending.removeValue(forKey: $0.key) }
    }

    private func discover(_ state: inout State) {
        let names = (try? DirectoryTree.names(in: spools)) ?? []
        for container in containers {
            for name in names where name == container || name.hasPrefix("\(container).") {
                let path = "\(spools)/\(name)"
                if state.sources[path] == nil, Self.isDirectory(path) {
                    state.sources[path] = SpoolSource(container: container, directory: path)
                }
            }
            let path = "\(files)/\(container).log"
            if state.sources[path] == nil, let source = FileSource(container: container, path: path) {
                state.sources[path] = source
            }
        }
    }

    private static func isDirectory(_ path: String) -> Bool { (try? DirectoryTree.names(in: path)) != nil }
}

/// Something that lines come from.
private protocol LineSource: Sendable {
    /// The next line; nil when there is none at the moment.
    func next() -> WorkloadLine?
}

/// One spool.
private final class SpoolSource: LineSource {
    private let reader: Mutex<LogSpoolReader>
    private let container: String

    init(container: String, directory: String) {
        self.container = container
        reader = Mutex(LogSpoolReader(directory: directory))
    }

    func next() -> WorkloadLine? {
        reader.withLock { reader -> WorkloadLine? in
            guard let record = reader.next() else { return nil }
            return WorkloadLine(
                container: container,
                bytes: record.bytes,
                timeNanoseconds: record.timeNanoseconds,
                stream: record.stream == .standardError ? "stderr" : "stdout",
                dropped: Int64(clamping: record.dropped)
            )
        }
    }
}

/// A file that programs append lines to; what has no end yet waits.
private final class FileSource: LineSource {
    private struct State {
        var splitter = LineSplitter(stream: .standardOutput)
        var ready: [WorkloadLine] = []
    }
    private let file: OwnedFD
    private let container: String
    private let state = Mutex(State())

    /// Opens it; nil while it is not there, or is no plain file.
    init?(container: String, path: String) {
        // Programs own it: a link must lead nowhere, and a pipe must not be waited for.
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else { return nil }
        file = OwnedFD(number)
        self.container = container
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    }

    func next() -> WorkloadLine? {
        state.withLock { state -> WorkloadLine? in
            while state.ready.isEmpty {
                guard let bytes = try? readSome(64 << 10, from: file.rawValue), !bytes.isEmpty else { return nil }
                // The lines carry no time of their own: when they were last added to is the nearest.
                var status = stat()
                let isKnown = unsafe fstat(file.rawValue, &status) == 0
                let time = isKnown ? Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec) : 0
                state.ready = state.splitter.feed(bytes, time: time).map { record in
                    WorkloadLine(
                        container: container,
                        bytes: record.bytes,
                        timeNanoseconds: record.timeNanoseconds,
                        stream: "stdout",
                        dropped: 0
                    )
                }
            }
            return state.ready.removeFirst()
        }
    }
}
