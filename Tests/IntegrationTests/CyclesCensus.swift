import Foundation
import SystemLayer
import TestSupport

/// What a host has on the machine: everything of its own base directory and below its process, nothing of others.
struct CyclesCensus: Equatable, CustomStringConvertible {
    /// By name, zombies marked.
    var processes: [String]
    var mounts: [String]
    var cgroups: [String]
    var files: Set<String>
    var descriptors: [String: Int]
    var threads: Int

    /// Counts.
    ///
    /// The host is a subreaper, so an orphan of its own, or one that nobody reaped, is below it and is counted.
    init(_ host: TestHost) throws {
        let pid = try host.process.pid
        processes = Self.descendants(of: pid).compactMap(Self.name).sorted()
        mounts = (TextFile.read("/proc/\(pid)/mountinfo") ?? "").split(separator: "\n").map(String.init)
            .filter { $0.contains(host.base) }.sorted()
        cgroups = host.cgroups
        // The journal's own side files come and go with its checkpoints, and the image's layers are meant to stay.
        files = Set(FileManager.default.subpaths(atPath: host.base) ?? []).filter {
            !$0.hasPrefix("journal.sqlite") && !$0.hasPrefix("image-store/layers/")
        }
        descriptors = [:]
        for name in try DirectoryTree.names(in: "/proc/\(pid)/fd") {
            let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(name)")) ?? ""
            descriptors[String(target.prefix { !$0.isNumber || target.hasPrefix("/") }), default: 0] += 1
        }
        threads = (try? DirectoryTree.names(in: "/proc/\(pid)/task").count) ?? 0
    }

    var description: String {
        "processes \(processes), mounts \(mounts), cgroups \(cgroups), files \(files.sorted()), "
            + "descriptors \(descriptors.sorted { $0.key < $1.key }), threads \(threads)"
    }

    /// The same but for threads: those are the pools', which keep some for a while.
    func isLike(_ other: CyclesCensus) -> Bool {
        var mine = self
        mine.threads = other.threads
        return mine == other
    }

    /// Supervisors that wait for a verb: two when the pool is full.
    var spares: Int { processes.count { $0 == "substrate-super" } }

    /// Every process below one, zombies included.
    static func descendants(of root: Int32) -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        for name in (try? DirectoryTree.names(in: "/proc")) ?? [] {
            guard let pid = Int32(name), let parent = parent(of: pid) else { continue }
            children[parent, default: []].append(pid)
        }
        var found: [Int32] = []
        var next = [root]
        while let one = next.popLast() {
            found += children[one] ?? []
            next += children[one] ?? []
        }
        return found
    }

    private static func name(of pid: Int32) -> String? {
        guard let text = TextFile.read("/proc/\(pid)/stat"), let bracket = text.lastIndex(of: ")") else { return nil }
        let name = text[..<bracket].drop { $0 != "(" }.dropFirst()
        return String(name) + (text[bracket...].hasPrefix(") Z") ? " (zombie)" : "")
    }

    private static func parent(of pid: Int32) -> Int32? {
        guard let text = TextFile.read("/proc/\(pid)/stat"), let bracket = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: bracket)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }
}
