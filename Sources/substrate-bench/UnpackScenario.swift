import Glibc
import SystemLayer

/// An image of 2,004 files and 78 MB in four layers, from blobs to directories, beside two programs that do the same.
struct UnpackScenario {
    let scratch: String
    let samples: Int

    private static let layers = 4
    private static let files = 2004
    private static let bytes = 78_000_000
    private static let tools = ["/usr/bin/bsdtar", "/usr/bin/umoci", "/usr/bin/gzip", "/usr/bin/sha256sum"]
    /// The hidden argument that makes this program say how much memory another one took.
    static let peakArgument = "--peak-memory-of"

    func measure() throws -> [Figure] {
        for tool in Self.tools where unsafe access(tool, X_OK) != 0 {
            throw BenchFailure("unpack needs \(tool): .ci/install bench installs it")
        }
        let place = "\(scratch)/unpack"
        try FileTree.makeDirectories(place, mode: 0o700)
        defer { try? FileTree.remove(place) }
        let archives = try makeImage(place)
        let host = try Place.companion("substrate-host")
        var (ours, theirs, others) = (Samples(), Samples(), Samples())
        for _ in 0..<samples {
            let base = "\(place)/base"
            ours.add(
                try Self.time(host, ["images", "pull", "oci:\(place)/image:bench", "--base-dir", base], unpacked: base)
            )
            let root = "\(place)/root"
            try FileTree.makeDirectories(root, mode: 0o755)
            let start = Clock.now()
            for archive in archives { try Self.run("/usr/bin/bsdtar", ["-xpf", archive, "-C", root]) }
            theirs.add(Clock.now() - start)
            try FileTree.remove(root)
            let bundle = "\(place)/bundle"
            others.add(
                try Self.time(
                    "/usr/bin/umoci",
                    ["unpack", "--image", "\(place)/image:bench", bundle],
                    unpacked: bundle
                )
            )
        }
        let peak = try Self.peak(host, ["images", "pull", "oci:\(place)/image:bench", "--base-dir", "\(place)/peak"])
        func figure(_ name: String, _ value: Double, _ unit: String, _ goal: Figure.Goal? = nil) -> Figure {
            Figure(scenario: .unpack, name: name, value: value, unit: unit, goal: goal)
        }
        var whole = figure("image unpack, 78 MB in 2,004 files", ours.median, "ms")
        whole.floor = (name: "bsdtar, layer after layer", value: theirs.median)
        return [
            whole, figure("image unpack beside bsdtar", ours.median / theirs.median, "×", .atMost(1)),
            figure("umoci unpack beside it", others.median / ours.median, "×", .atLeast(2)),
            figure("image unpack, largest process", peak / 1024, "MiB", .atMost(64)),
        ]
    }

    /// An OCI layout whose layers are half text and half noise, as programs and their data are.
    private func makeImage(_ place: String) throws -> [String] {
        let image = "\(place)/image"
        try FileTree.makeDirectories("\(image)/blobs/sha256", mode: 0o755)
        var state: UInt64 = 1
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        var pool: [UInt8] = []
        while pool.count < 4 << 20 {
            if next() % 2 == 0 {
                for _ in 0..<64 { pool.append(UInt8(truncatingIfNeeded: next())) }
            } else {
                for _ in 0..<16 { pool += Array("word\(next() % 500) ".utf8) }
            }
        }
        var rows: [String] = []
        var digests: [String] = []
        var archives: [String] = []
        for layer in 0..<Self.layers {
            let tree = "\(place)/tree"
            for index in 0..<Self.files / Self.layers {
                let directory = "\(tree)/usr/lib/part\(layer)/m\(index / 20)"
                try FileTree.makeDirectories(directory, mode: 0o755)
                let size = Self.bytes / Self.files * Int(20 + next() % 161) / 100
                let start = Int(next()) % (pool.count - size)
                try AtomicFile.write(Array(pool[start..<start + size]), to: "\(directory)/f\(index)", mode: 0o644)
            }
            let archive = "\(place)/layer\(layer).tar"
            try Self.run("/usr/bin/bsdtar", ["-cf", archive, "-C", tree, "usr"])
            try FileTree.remove(tree)
            digests.append("\"sha256:\(try Self.digest(archive))\"")
            try Self.run("/usr/bin/gzip", ["-6", "-n", archive])
            rows.append(try blob("\(archive).gz", image, "layer.v1.tar+gzip"))
            archives.append("\(archive).gz")
        }
        func document(_ text: String, _ type: String) throws -> String {
            let path = "\(place)/document"
            try AtomicFile.write(Array(text.utf8), to: path)
            return try blob(path, image, type)
        }
        let rootfs = "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\(digests.joined(separator: ","))]}"
        let platform = "\"architecture\":\"\(Self.architecture)\",\"os\":\"linux\""
        let config = try document("{\(platform),\"config\":{\"Entrypoint\":[\"/f\"]},\(rootfs)}", "config.v1+json")
        let manifest = try document(
            "{\"schemaVersion\":2,\"config\":\(config),\"layers\":[\(rows.joined(separator: ","))]}",
            "manifest.v1+json"
        )
        let named = manifest.dropLast() + ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"bench\"}}"
        try AtomicFile.write(Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8), to: "\(image)/oci-layout")
        try AtomicFile.write(Array("{\"schemaVersion\":2,\"manifests\":[\(named)]}".utf8), to: "\(image)/index.json")
        return archives
    }

    /// The descriptor of a file that becomes content of the layout, and stays where it was too.
    private func blob(_ path: String, _ image: String, _ type: String) throws -> String {
        let hex = try Self.digest(path)
        try Self.run("/bin/cp", [path, "\(image)/blobs/sha256/\(hex)"])
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw SyscallError("stat", errno, path) }
        let kind = "\"mediaType\":\"application/vnd.oci.image.\(type)\""
        return "{\(kind),\"digest\":\"sha256:\(hex)\",\"size\":\(status.st_size)}"
    }

    private static func digest(_ path: String) throws -> String {
        String(try run("/usr/bin/sha256sum", [path]).prefix(64))
    }

    /// The milliseconds of a program that makes a directory, which is then removed.
    private static func time(_ program: String, _ arguments: [String], unpacked: String) throws -> Double {
        let start = Clock.now()
        try run(program, arguments)
        let took = Clock.now() - start
        try FileTree.remove(unpacked)
        return took
    }

    /// Runs a program to its end and answers what it prints.
    @discardableResult
    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let pipe = try DescriptorPair.pipe().release()
        let reader = OwnedFD(pipe.first)
        let writer = OwnedFD(pipe.second)
        var plan = SpawnPlan(program: program, arguments: [program] + arguments)
        plan.environment = ["PATH=/usr/bin:/bin", "HOME=/root", "LANG=C.UTF-8"]
        plan.descriptors = [(child: 1, parent: writer.rawValue), (child: 2, parent: writer.rawValue)]
        let child = try spawn(plan)
        try writer.close()
        let said = String(decoding: try readAll(from: reader.rawValue, limit: 1 << 20), as: UTF8.self)
        guard child.wait() == .exited(0) else { throw BenchFailure("\(program): \(said)") }
        return said
    }

    /// The KiB of the largest process that a program is or starts.
    private static func peak(_ program: String, _ arguments: [String]) throws -> Double {
        let said = try run(Place.program, [peakArgument, program] + arguments)
        guard let kibibytes = said.split(separator: "\n").last.flatMap({ Double($0) }) else {
            throw BenchFailure("\(program): no peak in \(said)")
        }
        return kibibytes
    }

    /// Runs the program of the words, and prints what the largest of its processes took.
    static func printPeak(_ words: [String]) -> CInt {
        guard let program = words.first, (try? run(program, Array(words.dropFirst()))) != nil else { return 1 }
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage) == 0 else { return 1 }
        say("\(usage.ru_maxrss)\n", to: 1)
        return 0
    }

    private static var architecture: String {
        #if arch(arm64)
        "arm64"
        #else
        "amd64"
        #endif
    }
}
