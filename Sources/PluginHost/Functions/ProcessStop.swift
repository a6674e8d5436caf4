import ActorContract
import Glibc
import PluginProtocol
import SystemLayer
import Telemetry

/// `process.stop`.
enum StopProcesses: HostHandler {
    struct Arguments: HostArguments {
        let handles: [PluginHandle]
        let graceMilliseconds: Int64?
        init(_ fields: CheckedFields) {
            handles = fields.handles("process")
            graceMilliseconds = fields.integer("grace_ms")
        }
    }

    static let row = HostFunction.processStop

    static func target(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> String? {
        try named(arguments, call).map(\.name).sorted().joined(separator: ",")
    }

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let context = call.context
        let processes = try named(arguments, call)
        let grace = arguments.graceMilliseconds ?? context.request.graceMilliseconds
        let interrupt = try context.interruptible()
        context.expectEnd(of: processes)
        let ended = ProgramTime.wait {
            ProcessStop.perform(
                processes,
                graceMilliseconds: grace,
                deadline: context.deadline,
                world: context.world,
                interrupt: interrupt
            )
        }
        if context.cancellation.isCancelled { return .refused(.cancelled, "the verb was cancelled") }
        guard ended else { return .refused(.timeout, "a program could not be ended in time") }
        for handle in arguments.handles { context.processes.close(handle, line: call.line) }
        let gone = processes.compactMap(\.kept)
        context.kept.removeAll { gone.contains($0) }
        return .ok()
    }

    /// Closed ones were ended before, which is what a stop wants.
    private static func named(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> [HeldProcess] {
        var named: [HeldProcess] = []
        // Each once: a script may name one program ten thousand times.
        var seen: Set<PluginHandle> = []
        for handle in arguments.handles where seen.insert(handle).inserted {
            if case .closed = call.context.processes.find(handle) { continue }
            named.append(try call.process(handle, at: "the argument", mend: ""))
        }
        return named
    }
}

/// TERM, wait, KILL: written once, since everybody writes it wrongly.
enum ProcessStop {
    /// Ends programs and everything they left.
    ///
    /// - Parameters:
    ///   - processes: each the PID 1 of its namespace, or with a cgroup of its own: all below it ends as well.
    ///   - graceMilliseconds: between TERM and KILL.
    ///   - deadline: the verb's; the grace is cut to it.
    ///   - world: whose programs they are.
    ///   - interrupt: ends the grace early.
    /// - Returns: whether all were gone when it returned.
    static func perform(
        _ processes: [HeldProcess],
        graceMilliseconds: Int64,
        deadline: ContinuousClock.Instant,
        world: any World,
        interrupt: VerbInterrupt? = nil
    ) -> Bool {
        let handles = processes.compactMap(\.handle)
        for handle in handles { _ = handle.signal(15) }
        let graceEnd = min(deadline, world.now() + .milliseconds(graceMilliseconds))
        for handle in handles {
            if let interrupt, handle.wait(until: graceEnd, interrupt) == .cancelled { break }
            if !ended(handle, until: graceEnd) { _ = handle.signal(9) }
        }
        // A cancel ends the grace, never the stop.
        for handle in handles where !handle.hasExited() { _ = handle.signal(9) }
        for process in processes { process.leaf?.kill() }
        // A killed program that is not in uninterruptible sleep is gone at once; 5 s tell the two apart.
        let last = world.now() + .seconds(5)
        let areGone = handles.allSatisfy { ended($0, until: last) }
        for process in processes { try? process.leaf?.remove() }
        return areGone
    }

    /// The same of programs that are known by number.
    static func perform(kept: [KeptProcess], world: any World) -> Bool {
        let processes = kept.compactMap { process in
            world.find(process).map { handle in
                HeldProcess(name: process.name, kept: process, handle: handle) { ProgramEnd(isAllowed: true) }
            }
        }
        return perform(processes, graceMilliseconds: 0, deadline: world.now(), world: world)
    }

    private static func ended(_ handle: any HeldProgram, until deadline: ContinuousClock.Instant) -> Bool {
        guard handle.wait(until: deadline, nil) == .ready else { return false }
        // Whoever is our child is reaped; an adopted one has another reaper.
        _ = handle.wait()
        return true
    }
}
