import Glibc
import HostErrors
import PluginAuthoring
import SystemLayer

/// Programs of this machine in the place of those that a test's containers name but have no image for: each lives until
/// it is asked to end, and does then what the test says.
final class StandIns {
    /// What a program does at TERM.
    typealias Behaviour = FakeProgram.Behaviour

    private let companions: String
    private var directory: String?

    /// Makes none yet: the image is built for the first container that needs it.
    ///
    /// - Parameter companions: the directory of the host's programs.
    init(companions: String) { self.companions = companions }

    /// The image of all of them.
    ///
    /// - Throws: what this machine lacks.
    func image() throws(HostError) -> String {
        if let directory { return "oci:\(directory)/image:counter" }
        let made = "/tmp/substrate-plugin-image-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try DirectoryTree.make(made, mode: 0o700)
        directory = made
        do throws(HostError) { return try ProbeImage.build(in: made, companions: companions) } catch {
            remove()
            throw error
        }
    }

    /// Removes the image.
    func remove() {
        if let directory { try? DirectoryTree.remove(directory) }
        directory = nil
    }

    /// Where one keeps what it is told: the first that it can write to.
    private static let places = ["", "/run", "/tmp"]
    private static let name = ".stand-in"

    /// The command line of one; it says by its nonce where it lives.
    static func command(nonce: String) -> [String] {
        let script = """
            for d in \(places.map { "\($0)/\(name)" }.joined(separator: " ")); do
              busybox mkdir -p $d 2>/dev/null && break
            done
            trap '[ -e $d/term ] && . $d/term || exit 0' TERM
            echo $0 > $d/here
            while :; do sleep 1 & wait $!; done
            """
        return ["/bin/sh", "-c", script, nonce]
    }

    /// A program that runs, by the files that it sees.
    struct Running {
        private let process: ProcessHandle
        private let nonce: String
        /// Its root, seen from here.
        var root: String { "/proc/\(process.pid)/root/." }

        /// Nil where it does not come to say that it is one, as inside a kernel of its own.
        init?(_ process: ProcessHandle, nonce: String) {
            self.process = process
            self.nonce = nonce
            let deadline = ContinuousClock.now + .seconds(2)
            while own == nil {
                guard ContinuousClock.now < deadline, !process.hasExited() else { return nil }
                usleep(2000)
            }
        }

        /// Its own directory, once it is there.
        private var own: String? {
            StandIns.places.map { "/proc/\(process.pid)/root\($0)/\(StandIns.name)" }
                .first { TextFile.read("\($0)/here") == nonce + "\n" }
        }

        /// Says what it does at TERM.
        ///
        /// - Throws: what stopped the writing.
        func set(_ behaviour: Behaviour) throws(SyscallError) {
            guard let own else { throw SyscallError("open", ENOENT, "\(StandIns.name)/here") }
            var lines: [String] = []
            switch behaviour {
            case .end: lines = ["exit 0"]
            case .ignore: lines = [":"]
            case .flush(let files, let milliseconds):
                lines = ["busybox sleep \(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())"]
                for (number, (path, bytes)) in files.sorted(by: { $0.key < $1.key }).enumerated() {
                    try RealFile.write("\(number)", beneath: "\(own)/.", bytes)
                    let quoted = path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
                    lines.append("busybox cp $d/\(number) '\(quoted)'")
                }
                lines.append("exit 0")
            }
            try RealFile.write("term", beneath: "\(own)/.", Array(lines.joined(separator: "\n").utf8))
        }
    }
}

/// Files of actors on this machine, reached without following a link anywhere.
enum RealFile {
    /// Reads one.
    ///
    /// - Throws: what stopped it; ENOENT where there is none.
    static func read(_ path: String, beneath directory: String) throws(SyscallError) -> [UInt8] {
        let file = try BeneathPath.open(path, beneath: directory, flags: O_RDONLY | O_NONBLOCK)
        return try readAll(from: file.rawValue, limit: 1 << 20)
    }

    /// Writes one, and makes the directories above it.
    ///
    /// - Throws: what stopped it.
    static func write(_ path: String, beneath directory: String, _ bytes: [UInt8]) throws(SyscallError) {
        let parts = path.split(separator: "/").map(String.init)
        var parent = try BeneathPath.open(".", beneath: directory, flags: O_RDONLY | O_DIRECTORY)
        for depth in parts.indices.dropLast() {
            guard unsafe mkdirat(parent.rawValue, parts[depth], 0o755) == 0 || errno == EEXIST else {
                throw SyscallError("mkdirat", errno, path)
            }
            let folder = parts[...depth].joined(separator: "/")
            parent = try BeneathPath.open(folder, beneath: directory, flags: O_RDONLY | O_DIRECTORY)
        }
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        let number = unsafe openat(parent.rawValue, parts.last ?? "", flags, 0o644)
        guard number >= 0 else { throw SyscallError("openat", errno, path) }
        let file = OwnedFD(number)
        try writeAll(bytes, to: file.rawValue)
        try file.close()
    }
}
