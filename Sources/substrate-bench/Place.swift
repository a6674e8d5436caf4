import ActorContract
import ContractWire
import GRPCTransport
import Glibc
import SystemLayer

/// A measurement could not be made.
struct BenchFailure: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

/// Where this program and what it measures are.
enum Place {
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
    static let directory = above(program)

    static func companion(_ name: String) throws -> String {
        let path = "\(directory)/\(name)"
        guard unsafe access(path, X_OK) == 0 else {
            throw BenchFailure("\(path) is not there: run make build")
        }
        return path
    }

    static func above(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    /// A file of the checkout that this program was built in.
    static func inCheckout(_ relative: String) throws -> String {
        var place = directory
        while !place.isEmpty {
            if unsafe access("\(place)/\(relative)", F_OK) == 0 { return "\(place)/\(relative)" }
            place = above(place)
        }
        throw BenchFailure("\(relative) is not above \(directory): run the bench from a checkout")
    }

    /// A new private directory in memory, where no disk is measured, or on the disk.
    static func scratch(onDisk: Bool = false) throws -> String {
        let parent = onDisk ? "/var/tmp" : unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/substrate-bench-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SyscallError("mkdtemp", errno, parent) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A host of this run's own, over a directory of its own.
final class BenchHost {
    let process: ProcessHandle
    let client: GRPCClient
    /// From exec to the first accepted connection.
    let startMilliseconds: Double
    private let base: String

    init(scratch: String, name: String, backend: String = "process", options: [String] = []) throws {
        base = "\(scratch)/\(name)"
        let log = OwnedFD(unsafe open("\(scratch)/\(name).log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
        var plan = SpawnPlan(
            program: try Place.companion("substrate-host"),
            arguments: ["substrate-host", "--backend=\(backend)", "--base-dir", base, "--stop-actors"] + options
        )
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        plan.descriptors = [(child: 2, parent: log.rawValue)]
        let start = Clock.now()
        process = try spawn(plan)
        while !Self.answers("\(base)/host.sock") {
            guard Clock.now() - start < 10_000, !process.hasExited() else {
                let text = TextFile.read("\(scratch)/\(name).log") ?? ""
                Floors.end(process)
                throw BenchFailure("the host does not listen:\n\(text)")
            }
            usleep(200)
        }
        startMilliseconds = Clock.now() - start
        client = GRPCClient(unix: "\(base)/host.sock")
    }

    /// Ends the host and its actors.
    func stop() {
        client.close()
        process.signal(SIGTERM)
        _ = process.wait()
    }

    var residentKiB: Double {
        let status = TextFile.read("/proc/\(process.pid)/status") ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Double(line.split(separator: " ").dropLast().last ?? "") ?? 0
    }

    private static func answers(_ path: String) -> Bool {
        let number = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return false }
        let connection = OwnedFD(number)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard bytes.count < room.count else { return }
            unsafe room.copyBytes(from: bytes)
        }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(connection.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        } == 0
    }
}
