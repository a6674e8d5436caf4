import Assets
import Glibc
import HostErrors
import SystemLayer
import Transfer

/// The cache of assets, in this process: found again, and fetched from a file.
struct AssetScenario {
    let scratch: String
    let samples: Int
    private let bytes = 256 << 20

    func measure() throws -> [Figure] {
        let root = "\(scratch)/assets"
        try DirectoryTree.make(root)
        let file = "\(root)/asset"
        try fill(file)
        let digest = try SHA256.hex(ofFile: file)
        let megabytes = Double(bytes) / 1e6
        var misses = Samples()
        var plain = Samples()
        for round in 0..<samples {
            // Side by side in each round, so that what else the machine does is in both.
            let start = Clock.now()
            try run("/bin/sh", ["-c", "sha256sum \(file) > /dev/null && cp \(file) \(root)/copy"])
            plain.add(megabytes / (Clock.now() - start) * 1000)
            let cache = AssetCache(baseDirectory: "\(root)/base-\(round)", roots: [root])
            let begin = Clock.now()
            _ = try cache.ensure(name: "asset", url: "file://\(file)", sha256: digest)
            misses.add(megabytes / (Clock.now() - begin) * 1000)
            try DirectoryTree.remove("\(root)/base-\(round)")
        }
        let cache = AssetCache(baseDirectory: "\(root)/base", roots: [root])
        let path = try cache.ensure(name: "asset", url: "file://\(file)", sha256: digest)
        var hits = Samples()
        var looks = Samples()
        let count = 10_000
        for _ in 0..<samples {
            var start = Clock.now()
            for _ in 0..<count { _ = try cache.ensure(name: "asset", url: "file://\(file)", sha256: digest) }
            hits.add((Clock.now() - start) / Double(count) * 1000)
            start = Clock.now()
            var status = stat()
            for _ in 0..<count { _ = unsafe lstat(path, &status) }
            looks.add((Clock.now() - start) / Double(count) * 1000)
        }
        try DirectoryTree.remove(root)
        return [
            Figure(
                scenario: .assets,
                name: "asset found in the cache",
                value: hits.median,
                unit: "µs",
                floor: (name: "lstat", value: looks.median),
                goal: .atMost(20)
            ),
            Figure(
                scenario: .assets,
                name: "asset fetched from a file",
                value: misses.median,
                unit: "MB/s",
                floor: (name: "sha256sum, then cp, of it", value: plain.median),
                goal: .atLeast(0.7 * plain.median)
            ),
        ]
    }

    /// Bytes that no file system can leave out.
    private func fill(_ path: String) throws {
        let file = OwnedFD(unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        var block: [UInt8] = []
        for _ in 0..<1 << 17 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            for shift in 0..<8 { block.append(UInt8(truncatingIfNeeded: state >> (UInt64(shift) * 8))) }
        }
        for round in 0..<bytes >> 20 {
            block[0] = UInt8(truncatingIfNeeded: round)
            try writeAll(block, to: file.rawValue)
        }
    }

    private func run(_ program: String, _ arguments: [String]) throws {
        var plan = SpawnPlan(program: program, arguments: [program] + arguments)
        plan.environment = ["PATH=/usr/bin:/bin"]
        guard try spawn(plan).wait() == .exited(0) else { throw BenchFailure("\(program) failed") }
    }
}
