import Glibc
import HostErrors
import Snapshots
import SystemLayer
import Transfer

/// Writes and reads snapshots of memory-like files beside `zstd -1`, which writes and reads the same file.
struct SnapshotScenario {
    let scratch: String
    let samples: Int

    private static let size = 256 << 20
    /// What memory is measured with besides: it should be as much.
    private static let otherSizes = [64 << 20, 1 << 30]
    private static let page = 4096
    /// As many as medians need: more take minutes.
    private var rounds: Int { min(samples, 7) }

    /// The window that is used, and others: what they would cost.
    private static let windows: [Int?] = [nil, 4, 12, 16, 32]

    /// What a file holds, page by page; nil is a page of zeros.
    private enum Kind: String, CaseIterable {
        case random, text
        case halfZero = "half-zero"
        case sparse

        /// As many times `zstd -1` as it should be.
        var goal: Double { self == .halfZero ? 1.5 : 1 }

        func isZero(_ page: Int) -> Bool {
            switch self {
            case .random, .text: false
            case .halfZero: page % 2 == 1
            // A process that has touched an eighth of its memory, here and there.
            case .sparse: page / 64 % 8 != 0
            }
        }
    }

    private let processors = max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))

    private let words = Array(
        """
        the quick brown fox jumps over the lazy dog while a snapshot of its memory is written page by page, and what \
        repeats is found again
        """.utf8
    )

    func measure() throws -> [Figure] {
        guard unsafe access("/usr/bin/zstd", X_OK) == 0 else {
            throw BenchFailure("/usr/bin/zstd is not there: apt-get install zstd")
        }
        var figures: [Figure] = []
        for kind in Kind.allCases {
            let source = "\(scratch)/source"
            defer { try? FileTree.remove(source) }
            try make(kind, Self.size, source)
            figures += try rates(kind, source)
            if kind == .random || kind == .sparse {
                for size in Self.otherSizes { figures.append(try memory(kind, size, source)) }
                try make(kind, Self.size, source)
            }
            if kind == .text {
                for (index, pages) in Self.windows.enumerated() { figures += try second(source, pages, UInt64(index)) }
            }
        }
        return figures
    }

    private func rates(_ kind: Kind, _ source: String) throws -> [Figure] {
        let megabytes = Double(Self.size) / 1_000_000
        var (write, read, pack, unpack) = (Samples(), Samples(), Samples(), Samples())
        var wide = Samples()
        var peak: Double = 0
        for round in 0..<rounds {
            let objects = "\(scratch)/objects"
            defer { try? FileTree.remove(objects) }
            let external = try store(objects)
            let uri = try SnapshotURI("file://bucket/\(round)")
            resetPeak()
            let before = Self.resident("VmRSS")
            write.add(try Self.timed { _ = try external.upload(try snapshot(source), to: uri) })
            pack.add(try Self.timed { try zstd(["-1", source, "-o", "\(source).zst"]) })
            wide.add(try Self.timed { try zstd(["-1", "-T\(processors)", source, "-o", "\(source).zst"]) })
            let fetched = "\(scratch)/fetched"
            defer { try? FileTree.remove(fetched) }
            guard let manifest = try external.manifest(uri) else { throw BenchFailure("no manifest at \(uri.text)") }
            read.add(try Self.timed { _ = try external.fetch(uri, manifest, into: fetched) })
            peak = max(peak, Self.resident("VmHWM") - before)
            try FileTree.remove("\(source)")
            unpack.add(try Self.timed { try zstd(["-d", "\(source).zst", "-o", source]) })
            try FileTree.remove("\(source).zst")
        }
        func figure(_ name: String, _ ours: Samples, _ theirs: Samples) -> Figure {
            let floor = megabytes / theirs.median * 1000
            return Figure(
                scenario: .snapshots,
                name: "snapshot \(name), \(kind.rawValue) memory",
                value: megabytes / ours.median * 1000,
                unit: "MB/s",
                floor: (name == "write" ? "zstd -1" : "zstd -d", floor),
                goal: .atLeast(kind.goal * floor)
            )
        }
        return [
            figure("write", write, pack), figure("read", read, unpack),
            // How much of another processor is really there for the same work.
            Figure(
                scenario: .snapshots,
                name: "zstd -1 itself with \(processors) threads, \(kind.rawValue) memory",
                value: pack.median / wide.median,
                unit: "×"
            ),
            memory(kind, Self.size, peak),
        ]
    }

    private func memory(_ kind: Kind, _ size: Int, _ kibibytes: Double) -> Figure {
        Figure(
            scenario: .snapshots,
            name: "snapshot memory used for \(size >> 20) MiB, \(kind.rawValue)",
            value: kibibytes / 1024,
            unit: "MiB",
            goal: .atMost(64)
        )
    }

    /// What a snapshot of a file of that size takes of memory, written and read.
    private func memory(_ kind: Kind, _ size: Int, _ source: String) throws -> Figure {
        try make(kind, size, source)
        let objects = "\(scratch)/objects"
        defer { try? FileTree.remove(objects) }
        let external = try store(objects)
        let uri = try SnapshotURI("file://bucket/memory")
        resetPeak()
        let before = Self.resident("VmRSS")
        _ = try external.upload(try snapshot(source, size), to: uri)
        guard let manifest = try external.manifest(uri) else { throw BenchFailure("no manifest at \(uri.text)") }
        let fetched = "\(scratch)/fetched"
        defer { try? FileTree.remove(fetched) }
        _ = try external.fetch(uri, manifest, into: fetched)
        return memory(kind, size, Self.resident("VmHWM") - before)
    }

    /// A snapshot after a hundredth of the pages was changed, beside the first one.
    private func second(_ source: String, _ pages: Int?, _ seed: UInt64) throws -> [Figure] {
        var figures: [Figure] = []
        for run in [1, 16] {
            let objects = "\(scratch)/objects"
            defer { try? FileTree.remove(objects) }
            let external = try store(objects, pages)
            var (first, again) = (TransferCount(), TransferCount())
            let one = try Self.timed {
                first = try external.upload(try snapshot(source), to: SnapshotURI("file://bucket/one"))
            }
            try change(source, pagesInARow: run, seed: seed << 8 | UInt64(run))
            let two = try Self.timed {
                again = try external.upload(try snapshot(source), to: SnapshotURI("file://bucket/two"))
            }
            let changed = run == 1 ? "single pages" : "\(run) in a row"
            let what = pages.map { "\(changed), windows of \($0)" } ?? changed
            figures.append(
                Figure(
                    scenario: .snapshots,
                    name: "second snapshot, 1 % changed (\(what)): bytes of the first",
                    value: Double(again.writtenBytes) / Double(max(first.writtenBytes, 1)),
                    unit: "×",
                    goal: pages == nil ? .atMost(0.1) : nil
                )
            )
            figures.append(
                Figure(
                    scenario: .snapshots,
                    name: "second snapshot, 1 % changed (\(what)): time of the first",
                    value: two / one,
                    unit: "×"
                )
            )
        }
        return figures
    }

    private func store(_ objects: String, _ pages: Int? = nil) throws -> ExternalSnapshots {
        ExternalSnapshots(
            format: .chunks,
            unpacker: try Place.companion("substrate-unpack"),
            directory: objects,
            pages: pages
        )
    }

    /// The source as a snapshot of one file, whose digest is known: what a Checkpoint has at that point.
    private func snapshot(_ source: String, _ size: Int = Self.size) throws -> Snapshot {
        var manifest = SnapshotManifest(
            sandboxClass: "bench",
            assets: [:],
            scope: "full",
            backend: .init(name: "bench", sha256: "")
        )
        manifest.snapshotFiles = ["source"]
        manifest.files = ["source": .init(size: Int64(size), sha256: String(repeating: "0", count: 64))]
        return Snapshot(name: "bench", path: scratch, manifest: manifest)
    }

    private func make(_ kind: Kind, _ size: Int, _ path: String) throws {
        let file = OwnedFD(unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        guard ftruncate(file.rawValue, off_t(size)) == 0 else { throw SyscallError("ftruncate", errno, path) }
        var state: UInt64 = 88_172_645_463_325_252
        var block: [UInt8] = []
        for page in 0..<(size / Self.page) {
            if kind.isZero(page) {
                if kind == .sparse {
                    _ = lseek(file.rawValue, off_t(Self.page), SEEK_CUR)
                    continue
                }
                block = [UInt8](repeating: 0, count: Self.page)
            } else {
                block = filled(random: kind == .random, &state)
            }
            try writeAll(block, to: file.rawValue)
        }
    }

    /// A page of noise, or of words with numbers between them.
    private func filled(random: Bool, _ state: inout UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.page + 64)
        while bytes.count < Self.page {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            if random {
                for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: state >> UInt64(8 * shift))) }
            } else {
                let start = Int(state % UInt64(words.count - 24))
                bytes += words[start..<(start + 8 + Int(state >> 40 % 16))]
                bytes += Array(String(state % 1000).utf8)
            }
        }
        return Array(bytes.prefix(Self.page))
    }

    private func change(_ path: String, pagesInARow run: Int, seed: UInt64) throws {
        let file = OwnedFD(unsafe open(path, O_RDWR | O_CLOEXEC))
        let pages = Self.size / Self.page
        // Another seed for each, or it would write what is there already.
        var state: UInt64 = 362_436_069 &+ seed
        for _ in 0..<(pages / 100 / run) {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let first = Int(state >> 33) % (pages / run) * run
            for page in first..<(first + run) {
                let bytes = filled(random: false, &state)
                _ = lseek(file.rawValue, off_t(page * Self.page), SEEK_SET)
                try writeAll(bytes, to: file.rawValue)
            }
        }
    }

    private func zstd(_ arguments: [String]) throws {
        let plan = SpawnPlan(program: "/usr/bin/zstd", arguments: ["zstd", "-q", "-f"] + arguments)
        let status = try spawn(plan).wait()
        guard status == .exited(0) else {
            throw BenchFailure("zstd \(arguments.joined(separator: " ")) ended as \(String(describing: status))")
        }
    }

    private static func timed(_ body: () throws -> Void) rethrows -> Double {
        let start = Clock.now()
        try body()
        return Clock.now() - start
    }

    /// From here on the peak counts.
    private func resetPeak() { try? TextFile.write("5", to: "/proc/self/clear_refs") }

    private static func resident(_ field: String) -> Double {
        let status = TextFile.read("/proc/self/status") ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
        return line.flatMap { Double($0.split { $0 == " " || $0 == "\t" }.dropFirst().first ?? "") } ?? 0
    }
}
