import LaunchProtocol
import Synchronization
import SystemLayer
import Telemetry

/// A spool beside a container's own, for the output of programs that ran on its behalf.
final class ProgramLog: Sendable {
    private struct State: ~Copyable {
        var spool: LogSpool
        var splitters = [LineSplitter(stream: .standardOutput), LineSplitter(stream: .standardError)]
    }
    private let state: Mutex<State>

    /// Goes on with the spool in a directory.
    ///
    /// - Parameter directory: made if missing.
    /// - Throws: the failing call.
    init(directory: String) throws(SyscallError) {
        try FileTree.makeDirectories(directory, mode: 0o700)
        let opened = try BeneathPath.open(".", beneath: directory, flags: 0)
        state = Mutex(State(spool: LogSpool(directory: opened, limit: 16 << 20)))
    }

    func take(_ bytes: [UInt8], isError: Bool) {
        let time = WallClock.nanoseconds()
        state.withLock { state in
            let records = state.splitters[isError ? 1 : 0].feed(bytes, time: time)
            state.spool.append(records)
        }
    }

    func finish() {
        let time = WallClock.nanoseconds()
        state.withLock { state in
            for index in 0...1 {
                let records = state.splitters[index].finish(time: time)
                state.spool.append(records)
            }
        }
    }

    /// The last line that a kept program complained with.
    ///
    /// - Parameter directory: of its spool.
    /// - Returns: its bytes; empty when there is none.
    static func lastWords(_ directory: String) -> [UInt8] {
        var reader = LogSpoolReader(directory: directory)
        var last: [UInt8] = []
        while let record = reader.next() {
            if record.stream == .standardError, record.bytes.contains(where: { $0 > 32 }) { last = record.bytes }
        }
        return last
    }
}
