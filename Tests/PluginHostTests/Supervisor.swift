import Foundation
import Glibc
import PluginProtocol
import SystemLayer

/// Which supervisor the tests look at.
enum SupervisorBinary {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let rooms = [
        "HostErrors", "SystemLayer", "PluginProtocol", "PluginRuntime", "Confinement", "LuaEngine",
        "substrate-supervisor", "C/CLua", "C/CLuaBridge", "C/CSystemShims", "C/CSupervisorShims",
    ]

    /// The release build where it is newer than its sources, else the debug build beside the tests.
    ///
    /// `make test` makes the release one first and sets SUBSTRATE_TEST_RELEASE, with which a stale one is a failure.
    static var path: String { get throws { try found.get() } }

    private static let found: Result<String, any Error> = Result {
        let release = root.appendingPathComponent(".build/release/substrate-supervisor").path
        if let built = changed(release), newestSource() <= built { return release }
        guard ProcessInfo.processInfo.environment["SUBSTRATE_TEST_RELEASE"] == nil else {
            let mend = "swift build -c release --product substrate-supervisor"
            throw Probe.Failure(text: "\(release) is missing or older than its sources: \(mend)")
        }
        return root.appendingPathComponent(".build/debug/substrate-supervisor").path
    }

    private static func newestSource() -> Date {
        var newest = Date.distantPast
        for room in rooms {
            let directory = root.appendingPathComponent("Sources/\(room)")
            guard let walk = FileManager.default.enumerator(atPath: directory.path) else { continue }
            for case let name as String in walk where name.contains(".") {
                newest = max(newest, changed(directory.appendingPathComponent(name).path) ?? newest)
            }
        }
        return newest
    }

    private static func changed(_ path: String) -> Date? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
    }
}

/// The C program beside this file, built once a run.
enum Probe {
    struct Failure: Error { let text: String }

    /// Removed when this process ends.
    static let directory: String = {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("probe-\(UUID().uuidString)").path
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: Probe.directory) }
        return path
    }()

    static let program: Result<String, any Error> = Result {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Probe/probe.c")
        let output = directory + "/probe"
        _ = try run("/usr/bin/cc", ["-O1", "-Wall", "-Wextra", "-Werror", "-o", output, source.path])
        return output
    }

    /// Runs a program to its end, its standard input from a file, and answers its output.
    static func run(_ program: String, _ arguments: [String], input: String? = nil) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if let input { process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input)) }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(text: "\(program) \(arguments.joined(separator: " ")): \(process.terminationStatus)")
        }
        return bytes
    }
}

/// The host's end of a supervisor's socket, without the host.
final class Line {
    struct Ended: Error {}

    private let socket: OwnedFD
    private var buffer = FrameBuffer()

    init(_ socket: consuming OwnedFD) {
        // Some supervisors end before they have read everything.
        _ = signal(SIGPIPE, SIG_IGN)
        self.socket = socket
    }

    func send(_ frame: HostFrame) throws { try writeAll(frame.encoded(), to: socket.rawValue) }

    /// The next frame; `Ended` when the supervisor is gone or says nothing for ten seconds.
    func receive() throws -> SupervisorFrame {
        while true {
            if let (kind, payload) = try buffer.next() {
                return try SupervisorFrame.decode(kind: kind, payload: payload)
            }
            guard try waitReadable(socket.rawValue, milliseconds: 10_000) else { throw Ended() }
            let some = try readSome(65536, from: socket.rawValue)
            if some.isEmpty { throw Ended() }
            buffer.append(some)
        }
    }
}
