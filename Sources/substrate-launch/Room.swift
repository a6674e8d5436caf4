import CSystemShims
import Confinement
import Glibc
import LaunchProtocol
import SystemLayer

/// Builds the tool room around this process, which then is the program, or keeps it.
enum Room {
    /// Answers only by an error: a program that is not kept replaces this one.
    static func launch(_ plan: ToolPlan) throws(StepError) -> Never {
        try step(.session) { () throws(SyscallError) in try check(csh_block_signals(), "sigprocmask") }
        let keeper = try plan.keeping.map { keeping throws(StepError) in try Keeper(keeping) }
        try beginSession(joining: plan.cgroupProcs)
        if let path = plan.networkNamespace {
            try step(.network) { () throws(SyscallError) in try Launcher.join(path) }
        }
        // Under pressure a program goes before the host that has its end to tell.
        try? TextFile.write("300", to: "/proc/self/oom_score_adj")
        let capabilities = Privileges.permitted(of: plan.capabilities)
        switch plan.origin {
        case .alone: try build(plan)
        case .made:
            try build(plan)
            try handOver()
        case .entered: try enterCopy(of: roomDescriptor)
        }
        if plan.origin != .alone { _ = close(roomDescriptor) }
        try step(.limits) { () throws(SyscallError) in try Privileges.limit(openFiles: 1_048_576) }
        try step(.bounding) { () throws(SyscallError) in try Privileges.dropBounding(to: capabilities) }
        try step(.identity) { () throws(SyscallError) in
            try Privileges.becomeRoot()
            try Privileges.keep(capabilities)
        }
        if let keeper { try keeper.split(plan) }
        var report = Launcher.reportDescriptor
        let reason: StepError
        do throws(StepError) { reason = try become(plan, &report) } catch { reason = error }
        if report != Launcher.reportDescriptor { _ = dup2(report, Launcher.reportDescriptor) }
        throw reason
    }

    private static func build(_ plan: ToolPlan) throws(StepError) {
        try step(.privateMounts) { () throws(SyscallError) in
            // MS_REC | MS_PRIVATE: nothing that is mounted inside appears outside, nor the other way.
            try check(unsafe csh_mount(nil, "/", nil, 0x4000 | 0x40000, nil), "mount", "/")
        }
        // While /proc is the machine's.
        let users = try plan.firstID.map { first throws(StepError) in
            try step(.users) { () throws(SyscallError) in try Launcher.makeUsers(first, plan.networkNamespace) }
        }
        // Over /proc: nothing that the room shows lies there.
        let root = try step(.room) { () throws(SyscallError) in try ContainerRoot(inMemoryOver: "/proc") }
        let covers = try step(.room) { () throws(SyscallError) in
            try root.furnishRoom(covering: plan.covered, restoring: plan.restores)
        }
        try step(.devices) { () throws(SyscallError) in
            for path in plan.devices {
                try root.attach(try DetachedMount.view(of: path, [.noSetUserID, .noExecution]), at: path)
            }
        }
        try step(.fill) { () throws(SyscallError) in
            for mount in plan.mounts {
                var attributes: DetachedMount.Attributes = [.noDevices, .noSetUserID]
                if mount.readOnly { attributes.insert(.readOnly) }
                try root.attach(try DetachedMount.view(of: mount.source, attributes), at: mount.target)
            }
            if let users { try show(plan.roots, users, in: root) }
            _ = try root.directory(plan.workingDirectory)
        }
        try step(.mask) { () throws(SyscallError) in
            for path in plan.hidden { try root.coverExisting(path) }
            for cover in covers {
                try DetachedMount.change(cover, .readOnly, subject: "a covered directory")
                _ = close(cover)
            }
            try root.makeReadOnly()
        }
        try step(.pivot) { () throws(SyscallError) in try root.pivot() }
    }

    /// Shows containers' roots for runtimes that give them a user namespace.
    ///
    /// With all that is in them: to mount it by themselves runtimes would need rights over other processes.
    private static func show(
        _ roots: [ToolPlan.Root],
        _ users: UserNamespace,
        in room: borrowing ContainerRoot
    ) throws(SyscallError) {
        let still: DetachedMount.Attributes = [.noSetUserID, .noDevices, .noExecution]
        // Nobody mounts a /proc in a user namespace who does not see a whole one.
        try room.attach(try DetachedMount.new("proc", [], still), at: "/run/substrate/proc")
        for root in roots {
            let view = try DetachedMount.view(of: root.path, [.noDevices, .noSetUserID])
            try room.attach(view, at: root.path)
            try users.ownFiles()
            // What the image links to is looked for in it, never in the room.
            let inside = ContainerRoot(of: view)
            try inside.showSystem()
            for mount in root.mounts {
                var attributes: DetachedMount.Attributes = [.noDevices, .noSetUserID]
                if mount.readOnly { attributes.insert(.readOnly) }
                try inside.attach(try users.view(of: mount.source, attributes), at: mount.target)
            }
            try users.disownFiles()
        }
    }

    /// A socket to hand the room over through, or the room itself.
    private static let roomDescriptor: CInt = 6

    /// Gives the room to the host, for the verb's next programs.
    private static func handOver() throws(StepError) {
        let namespace = try step(.room) { () throws(SyscallError) in
            let number = unsafe open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)
            guard number >= 0 else { throw SyscallError("open", errno, "/proc/self/ns/mnt") }
            return OwnedFD(number)
        }
        try step(.room) { () throws(SyscallError) in
            try Channels.hand(namespace.rawValue, through: roomDescriptor)
        }
        try enterCopy(of: namespace.rawValue)
    }

    /// Every program has mounts of its own: what one mounts or takes away, no other one of the verb meets.
    private static func enterCopy(of room: CInt) throws(StepError) {
        try step(.room) { () throws(SyscallError) in try check(csh_enter_mounts(room), "setns") }
    }

    /// Where the bytes for the program's own descriptor come from the host.
    private static let passedSource: CInt = 5

    /// The last steps, which replace this program; answers why they did not.
    ///
    /// `report` is where a failure is told: it gives way to the descriptor that the program was promised.
    static func become(_ plan: ToolPlan, _ report: inout CInt) throws(StepError) -> StepError {
        try step(.descriptors) { () throws(SyscallError) in
            try takeTerminal(plan.hasTerminal)
            try replaceNull()
            try check(csh_close_range_cloexec(3), "close_range")
            if let passed = plan.passedDescriptor { try pass(passed, &report) }
            guard unsafe chdir(plan.workingDirectory) == 0 else {
                throw SyscallError("chdir", errno, plan.workingDirectory)
            }
            try check(csh_reset_signals(), "sigprocmask")
        }
        if plan.user != 0 {
            try step(.identity) { () throws(SyscallError) in try Privileges.become(plan.user) }
        }
        if !plan.refused.isEmpty {
            try step(.seccomp) { () throws(SyscallError) in try WorkloadFilter.missing(plan.refused).install() }
        }
        let arguments = CStrings(plan.arguments)
        let environment = CStrings(plan.environment)
        unsafe arguments.withPointers { argv in
            unsafe environment.withPointers { envp in
                _ = unsafe execve(plan.program, argv, envp)
            }
        }
        let number = errno
        return StepError(
            step: .exec,
            errno: number,
            text: SyscallError("execve", number, plan.program).description
        )
    }

    /// The null device of the room in place of the machine's: no descriptor leads into a tree that is not shown.
    private static func replaceNull() throws(SyscallError) {
        var about = stat()
        for number in CInt(0)...2 {
            // The null device is 1:3.
            guard unsafe fstat(number, &about) == 0, about.st_mode & S_IFMT == S_IFCHR, about.st_rdev == 0x103 else {
                continue
            }
            let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
            guard null >= 0, dup2(null, number) >= 0 else { throw SyscallError("open", errno, "/dev/null") }
            _ = close(null)
        }
    }

    private static func pass(_ number: CInt, _ report: inout CInt) throws(SyscallError) {
        let moved = fcntl(report, F_DUPFD_CLOEXEC, 64)
        guard moved >= 0 else { throw SyscallError("fcntl", errno, "descriptor \(report)") }
        report = moved
        // A copy has no close-on-exec; the same number keeps its own.
        let result = number == passedSource ? fcntl(number, F_SETFD, 0) : dup2(passedSource, number)
        guard result >= 0 else { throw SyscallError("dup2", errno, "descriptor \(number)") }
    }

    /// The terminal on descriptor 0 becomes the one of this session.
    static func takeTerminal(_ hasTerminal: Bool) throws(SyscallError) {
        guard hasTerminal else { return }
        try check(csh_take_terminal(0), "ioctl", "TIOCSCTTY")
    }
}
