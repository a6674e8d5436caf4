import PluginProtocol
import Telemetry

/// `clock.left`.
enum LeftOnClock: HostHandler {
    struct Arguments: HostArguments {
        init(_ fields: CheckedFields) {}
    }

    static let row = HostFunction.clockLeft

    static func answer(_ arguments: Arguments, _ call: HostCall) -> HostReply {
        .ok(.integer(VerbInterrupt.milliseconds(until: call.context.deadline, from: call.context.world.now())))
    }
}

/// `clock.sleep`.
enum SleepOnClock: HostHandler {
    struct Arguments: HostArguments {
        let milliseconds: Int64
        init(_ fields: CheckedFields) { milliseconds = fields.integer("ms") ?? 0 }
    }

    static let row = HostFunction.clockSleep

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let world = call.context.world
        let wanted = world.now() + .milliseconds(arguments.milliseconds)
        let interrupt = try call.context.interruptible()
        let outcome = ProgramTime.wait { world.sleep(until: min(wanted, call.context.deadline), interrupt) }
        if outcome == .cancelled { return .refused(.cancelled, "the verb was cancelled") }
        if wanted > call.context.deadline { return .refused(.timeout, "the verb's time was over before the sleep") }
        return .ok()
    }
}
