import Glibc
import HostErrors
import TestSupport
import Testing

@testable import SystemLayer

struct SystemTests {
    private func temporary() throws -> String {
        let path = "/tmp/substrate-system-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileTree.makeDirectories(path, mode: 0o755)
        return path
    }

    @Test func spawnedChildIsHeldAndReaped() throws {
        let child = try spawn(SpawnPlan(program: "/bin/sh", arguments: ["sh", "-c", "exit 9"]))
        #expect(child.startTime > 0)
        #expect(child.wait() == .exited(9))
        #expect(child.wait() == .exited(9))
        #expect(child.hasExited())
        #expect(!child.signal(SIGTERM))
        #expect(ProcessHandle.find(pid: child.pid, startTime: child.startTime) == nil)
    }

    @Test func handleIsFoundAgainByStartTime() throws {
        let child = try spawn(SpawnPlan(program: "/bin/sleep", arguments: ["sleep", "1000"]))
        let again = ProcessHandle.find(pid: child.pid, startTime: child.startTime)
        #expect(again != nil)
        #expect(ProcessHandle.find(pid: child.pid, startTime: child.startTime + 1) == nil)
        #expect(again?.hasExited() == false)
        again?.signal(SIGKILL)
        #expect(child.wait() == .signaled(SIGKILL))
    }

    @Test func childHasWhatThePlanNamesAndNothingElse() throws {
        let directory = try temporary()
        defer { try? FileTree.remove(directory) }
        let number = unsafe open("\(directory)/out", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let file = OwnedFD(number)
        // A descriptor without close-on-exec must not come along either.
        let leak = OwnedFD(dup(number))
        var plan = SpawnPlan(program: "/bin/sh", arguments: ["sh", "-c", "echo $A $(ls /proc/self/fd) $PWD >&5"])
        plan.environment = ["A=b", "PATH=/bin:/usr/bin"]
        plan.descriptors = [(child: 5, parent: file.rawValue)]
        plan.workingDirectory = directory
        let status = try spawn(plan).wait()
        #expect(status == .exited(0))
        // 1 is the substitution's pipe, 3 the directory that ls reads; 5 is ours.
        #expect(TextFile.read("\(directory)/out") == "b 0 1 2 3 5 \(directory)\n")
        try leak.close()
    }

    @Test func failuresOfTheChildAreThrown() {
        #expect(throws: SyscallError("execve", ENOENT, "/missing")) {
            try spawn(SpawnPlan(program: "/missing", arguments: ["x"]))
        }
    }

    @Test func treesAreRemovedWhateverTheyHold() throws {
        let directory = try temporary()
        let outside = try temporary()
        try AtomicFile.write([1], to: "\(outside)/kept")
        _ = unsafe symlink(outside, "\(directory)/link")
        try FileTree.makeDirectories("\(directory)/locked/inner", mode: 0o755)
        try AtomicFile.write([1], to: "\(directory)/locked/inner/file")
        _ = unsafe chmod("\(directory)/locked/inner", 0o555)
        _ = unsafe chmod("\(directory)/locked", 0o555)
        let odd: [CChar] = Array("\(directory)/".utf8).map { CChar(bitPattern: $0) } + [-1, -2, 0]
        _ = unsafe close(open(odd, O_CREAT | O_WRONLY, 0o600))
        var deep = "\(directory)"
        for _ in 0..<300 { deep += "/d" }
        try FileTree.makeDirectories(deep, mode: 0o755)
        try FileTree.remove(directory)
        #expect(unsafe access(directory, F_OK) != 0)
        #expect(TextFile.read("\(outside)/kept") != nil)
        try FileTree.remove(outside)
        try FileTree.remove(outside)
    }

    @Test(
        "a mount below a tree is never emptied, and the tree is removed once it is gone",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "only root mounts")
    )
    func mountsAreNotCrossed() throws {
        let (tree, outside) = (try ScratchDirectory("tree"), try ScratchDirectory("outside"))
        try AtomicFile.write([1], to: "\(outside.path)/kept")
        try FileTree.makeDirectories("\(tree.path)/a/b", mode: 0o755)
        // A bind of the same file system: its device number gives nothing away.
        try #require(unsafe mount(outside.path, "\(tree.path)/a/b", nil, UInt(MS_BIND), nil) == 0)
        defer { _ = unsafe umount2("\(tree.path)/a/b", CInt(MNT_DETACH)) }
        #expect(throws: SyscallError.self) { try FileTree.remove(tree.path) }
        #expect(throws: HostError.self) { try DirectoryTree.remove(tree.path) }
        #expect(TextFile.read("\(outside.path)/kept") != nil)
        try #require(unsafe umount2("\(tree.path)/a/b", 0) == 0)
        try FileTree.remove(tree.path)
        #expect(unsafe access(tree.path, F_OK) != 0)
    }

    @Test("a name in an open directory is removed with all below it, and its neighbours stay")
    func namesAreRemoved() throws {
        let scratch = try ScratchDirectory("names")
        try FileTree.makeDirectories("\(scratch.path)/old/a/b", mode: 0o755)
        try AtomicFile.write([1], to: "\(scratch.path)/old/a/b/file")
        try AtomicFile.write([1], to: "\(scratch.path)/kept")
        _ = unsafe symlink("kept", "\(scratch.path)/link")
        let directory = OwnedFD(unsafe open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        for name in ["old", "link", "absent"] { try DirectoryTree.remove(name, in: directory.rawValue) }
        #expect(try DirectoryTree.names(in: scratch.path) == ["kept"])
    }

    @Test(
        "step 3 of a launch: a limit that cannot be written is an error, and no directory stays",
        .enabled(if: geteuid() == 0)
    )
    func limitsThatCannotBe() throws {
        let layout = CgroupLayout.detect()
        let name = "substrate-test-limits-\(getpid())"
        // More than the kernel counts.
        let limits = CgroupLimits(cpuMilli: .max / 100, memoryBytes: nil, pids: 10)
        #expect(throws: SyscallError.self) { try Cgroup.create(layout: layout, name: name, limits: limits) }
        for directory in Cgroup.open(layout: layout, name: name).directories {
            #expect(unsafe access(directory, F_OK) != 0, "\(directory)")
        }
    }

    @Test("step 5 of a launch: namespaces that cannot be made are an error, and nothing runs")
    func namespacesThatCannotBe() {
        var plan = SpawnPlan(program: "/bin/true", arguments: ["true"])
        // CLONE_NEWUSER and CLONE_FS together, which clone(2) refuses.
        plan.namespaces = 0x1000_0000 | 0x200
        let error = #expect(throws: SyscallError.self) { try spawn(plan) }
        #expect(error?.errno == EINVAL)
    }

    @Test(.enabled(if: geteuid() == 0 && CgroupLayout.detect().v1Bases["devices"] != nil, "needs the v1 controller"))
    func devicesAndLimitsAreTheKernelsWord() throws {
        let layout = CgroupLayout.detect()
        let name = "substrate-test-devices-\(getpid())"
        let cgroup = try Cgroup.create(layout: layout, name: name, limits: CgroupLimits())
        #expect(Cgroup.enforced(layout: layout, name: name) == ["devices"])
        try cgroup.remove()
        _ = try Cgroup.create(
            layout: layout,
            name: name,
            limits: CgroupLimits(cpuMilli: 500, memoryBytes: 64 << 20, pids: 20)
        )
        defer { try? cgroup.remove() }
        #expect(Cgroup.enforced(layout: layout, name: name) == ["devices", "cpu", "memory", "pids"])
        // A node that root can open anywhere else: the kernel's log, 1:11.
        let node = "/tmp/substrate-test-node-\(getpid())"
        defer { unsafe _ = unlink(node) }
        let makes = unsafe mknod(node, S_IFCHR | 0o600, 1 << 8 | 11) == 0
        try #require(makes, "mknod: errno \(errno)")
        let procs = try #require(layout.v1Bases["devices"]) + "/\(name)/cgroup.procs"
        let joined = "echo 0 > \(procs) && true < /dev/null && true < /dev/urandom || exit 3"
        let script = "\(joined); true < \(node) 2>/dev/null"
        let child = try spawn(SpawnPlan(program: "/bin/sh", arguments: ["sh", "-c", "\(script) || exit 7"]))
        #expect(child.wait() == .exited(7))
        let free = try spawn(SpawnPlan(program: "/bin/sh", arguments: ["sh", "-c", ": < \(node)"]))
        #expect(free.wait() == .exited(0))
    }

    @Test func layoutsAreRead() {
        let hybrid = CgroupLayout.detect(
            mounts: """
                31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
                35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
                36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
                41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
                """,
            own: "4:memory:/api/x\n1:cpu,cpuacct:/\n0::/\n"
        ) { _ in "" }
        #expect(hybrid.v2Base == "/sys/fs/cgroup/unified")
        #expect(
            hybrid.v1Bases == ["memory": "/sys/fs/cgroup/memory/api/x", "cpu": "/sys/fs/cgroup/cpu,cpuacct"]
        )
        #expect(hybrid.description == "hybrid (cpu, memory)")
        let unified = CgroupLayout.detect(
            mounts: "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            own: "0::/system.slice/host.service\n"
        ) { _ in "cpu memory pids\n" }
        #expect(unified.v2Base == "/sys/fs/cgroup/system.slice/host.service")
        #expect(unified.description == "v2 (cpu, memory, pids)")
    }

    @Test(
        "a cgroup bounds processor, memory and processes, and kills what is in it",
        .enabled(
            if: TestMachine.needs(TestMachine.isRoot && CgroupLayout.detect().v2Base != nil),
            "needs root and cgroup v2"
        )
    )
    func cgroupBoundsAndKills() throws {
        let layout = CgroupLayout.detect()
        let name = "substrate-test/\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let limits = CgroupLimits(cpuMilli: 500, memoryBytes: 64 << 20, pids: 3)
        let cgroup = try Cgroup.create(layout: layout, name: name, limits: limits)
        let path = try #require(cgroup.v2Path)
        let descriptor = OwnedFD(unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        var plan = SpawnPlan(program: "/bin/sh", arguments: ["sh", "-c", "sleep 1000 & sleep 1000"])
        plan.cgroupV2 = descriptor.rawValue
        let child = try spawn(plan)
        #expect(cgroup.processes().contains(child.pid))
        // Each limit in the version that has its controller on this machine.
        let limited = [
            ("pids", "pids.max", "pids.max", "3\n"),
            ("memory", "memory.limit_in_bytes", "memory.max", "\(64 << 20)\n"),
        ]
        for (controller, old, new, value) in limited {
            let file = layout.v1Bases[controller].map { "\($0)/\(name)/\(old)" } ?? "\(path)/\(new)"
            #expect(TextFile.read(file) == value, "\(file)")
        }
        if let cpu = layout.v1Bases["cpu"] {
            let numbers = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map { file in
                TextFile.read("\(cpu)/\(name)/\(file)").flatMap { Int($0.dropLast()) } ?? 0
            }
            #expect(numbers[1] > 0 && numbers[0] * 2 == numbers[1], "half a processor: \(numbers)")
        } else {
            let numbers = (TextFile.read("\(path)/cpu.max") ?? "").split { $0.isWhitespace }.compactMap { Int($0) }
            #expect(numbers.count == 2 && numbers[0] * 2 == numbers[1], "half a processor: \(numbers)")
        }
        #expect(Cgroup.open(layout: layout, name: name) == cgroup)
        cgroup.kill()
        #expect(child.wait() == .signaled(SIGKILL))
        try cgroup.remove()
        for directory in cgroup.directories { #expect(unsafe access(directory, F_OK) != 0) }
        try cgroup.remove()
        for directory in cgroup.directories {
            // Shared by all tests: the last one out removes it.
            _ = unsafe rmdir(String(directory.dropLast(directory.split(separator: "/").last?.count ?? 0)))
        }
    }
}
