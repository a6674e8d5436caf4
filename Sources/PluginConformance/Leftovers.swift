import ActorContract
import Glibc
import SystemLayer

/// What is still on the machine of one actor.
enum Leftovers {
    /// How long what was killed may take to leave.
    private static let patience = Duration.milliseconds(400)
    /// How long the host may take for what it does after its answer, on a machine under load.
    private static let teardownPatience = Duration.seconds(10)

    /// The programs that live in an actor's cgroup, by name; what is on its way out is waited for.
    ///
    /// - Parameters:
    ///   - cgroup: its name.
    ///   - layout: the machine's.
    ///   - known: the programs that have a name.
    /// - Returns: sorted; a program without a name by that of its executable.
    static func living(in cgroup: String, _ layout: CgroupLayout, known: [KeptProcess]) -> [String] {
        let deadline = ContinuousClock.now + patience
        while true {
            let found = processes(in: cgroup, layout)
            let held = known.filter { process in
                ProcessHandle.find(pid: process.pid, startTime: process.startTime).map { !$0.hasExited() } ?? false
            }
            if found.isEmpty, held.isEmpty { return [] }
            if ContinuousClock.now >= deadline {
                return held.isEmpty ? Set(found.map(name)).sorted() : held.map(\.name).sorted()
            }
            usleep(2000)
        }
    }

    /// Everything that must be gone once an actor has ended: programs, cgroups, mounts, scratch directories.
    ///
    /// - Parameters:
    ///   - place: the actor's.
    ///   - layout: the machine's.
    ///   - removed: whether its files must be gone, too; snapshots stay.
    /// - Returns: one line a thing.
    static func all(_ place: ObservedBackend.Place, _ layout: CgroupLayout, removed: Bool) -> [String] {
        let deadline = ContinuousClock.now + teardownPatience
        while true {
            let found = look(place, layout, removed: removed)
            if found.isEmpty || ContinuousClock.now >= deadline { return found }
            usleep(2000)
        }
    }

    private static func look(_ place: ObservedBackend.Place, _ layout: CgroupLayout, removed: Bool) -> [String] {
        var found: [String] = []
        for process in place.processes {
            if let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime), !handle.hasExited() {
                found.append("process \"\(process.name)\" (pid \(process.pid))")
            }
        }
        for path in Cgroup.open(layout: layout, name: place.cgroup).directories where exists(path) {
            found.append("cgroup \(path)")
        }
        for line in (TextFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[4].hasPrefix(place.directory + "/") else { continue }
            found.append("mount \(fields[4])")
        }
        let places = ActorDirectories(place.directory)
        for path in [places.runtime, places.work, places.bundles] where exists(path) {
            found.append("directory \(path)")
        }
        if removed {
            let rest = ((try? DirectoryTree.names(in: place.directory)) ?? [])
            let stays = exists(places.snapshots) ? ActorDirectories.keptWithSnapshots : []
            found += rest.filter { !stays.contains($0) }.map { "\(place.directory)/\($0)" }
        }
        return found
    }

    private static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// The processes of a cgroup and of all below it.
    private static func processes(in cgroup: String, _ layout: CgroupLayout) -> [Int32] {
        processes(below: Cgroup.open(layout: layout, name: cgroup).directories)
    }

    /// Whether a program is in a cgroup of the actor that holds a limit.
    ///
    /// - Parameters:
    ///   - files: where such a limit is written; the first word of an unlimited one is `max` or negative, or as large
    ///     as a page counter goes.
    ///   - pid: the program.
    ///   - cgroup: the actor's.
    ///   - layout: the machine's.
    /// - Returns: whether one of them limits it.
    static func isLimited(by files: [String], _ pid: Int32, in cgroup: String, _ layout: CgroupLayout) -> Bool {
        Cgroup.open(layout: layout, name: cgroup).directories.contains { directory in
            let limited = files.contains { file in
                let word = TextFile.read("\(directory)/\(file)")?.split(whereSeparator: \.isWhitespace).first
                return word.flatMap { Int64($0) }.map { $0 > 0 && $0 < 1 << 60 } ?? false
            }
            return limited && processes(below: [directory]).contains(pid)
        }
    }

    private static func processes(below directories: [String]) -> [Int32] {
        var next = directories
        var found: Set<Int32> = []
        while let path = next.popLast() {
            found.formUnion(
                (TextFile.read("\(path)/cgroup.procs") ?? "").split(separator: "\n").compactMap { Int32($0) }
            )
            for name in (try? DirectoryTree.names(in: path)) ?? [] {
                var status = stat()
                if unsafe lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                    next.append("\(path)/\(name)")
                }
            }
        }
        return found.filter(isAlive).sorted()
    }

    private static func isAlive(_ pid: Int32) -> Bool {
        guard let text = TextFile.read("/proc/\(pid)/stat"), let bracket = text.lastIndex(of: ")") else { return false }
        let state = text[text.index(after: bracket)...].split(separator: " ").first
        return state != "Z" && state != "X"
    }

    private static func name(of pid: Int32) -> String {
        String((TextFile.read("/proc/\(pid)/comm") ?? "\(pid)").prefix { $0 != "\n" })
    }

    /// This process's descriptors by kind, for a count before and after.
    static func descriptors() -> [String: Int] {
        var kinds: [String: Int] = [:]
        for name in (try? DirectoryTree.names(in: "/proc/self/fd")) ?? [] {
            var target = [CChar](repeating: 0, count: 512)
            let count = unsafe readlink("/proc/self/fd/\(name)", &target, target.count)
            guard count > 0 else { continue }
            let text = String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // `socket:[4711]` and `pipe:[4711]` by their kind, `anon_inode:[pidfd]` whole, files as files.
            let kind =
                text.hasPrefix("/") ? "file" : text.hasPrefix("anon_inode") ? text : String(text.prefix { $0 != ":" })
            kinds[kind, default: 0] += 1
        }
        return kinds
    }
}
