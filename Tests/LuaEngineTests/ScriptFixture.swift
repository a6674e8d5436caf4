import Foundation
import PluginProtocol

/// A script in a supervisor of its own, asked by hand.
struct ScriptFixture {
    let supervisor: SupervisorProcess
    let descriptor: PluginValue

    static let actor = PluginValue.map([
        "name": .text("counter"),
        "containers": .list([.map(["name": .text("web")]), .map(["name": .text("side")])]),
        "processes": .map(["web": .handle(PluginHandle(index: 4, generation: 2))]),
        "dirs": .map(["work": .text("/w")]),
        "assets": .map([:]),  // No setting: a place for an asset, which no actor has.
        "config": .map(["shelved": .handle(PluginHandle(index: PluginHandle.assetMark | 1, generation: 0))]),
        "tools": .map(["program": .text("/program")]),
    ])

    static var soon: ContinuousClock.Instant { .now + .seconds(20) }

    /// Loads a script; a trap of loading is thrown as `TrapFrame`.
    init(_ source: String, name: String = "x", file: String = "x.lua") throws {
        supervisor = try SupervisorProcess()
        try supervisor.send(.load(name: name, file: file, source: Array(source.utf8)))
        switch try supervisor.receive(until: Self.soon) {
        case .descriptor(let value): descriptor = value
        case .trap(let trap): throw Trapped(trap: trap)
        default: throw CancellationError()
        }
    }

    /// The trap that ended it.
    struct Trapped: Error {
        let trap: TrapFrame
    }

    /// A backend whose verb has this body, from line 7 on.
    static func source(_ body: String, needs: String = "", verb: String = "run") -> String {
        var verbs = ["run": "return \"ok\"", "stop": "return \"ok\""]
        verbs[verb] = nil
        if verb == "checkpoint" { verbs["restore"] = "return \"ok\"" }
        if verb == "restore" { verbs["checkpoint"] = "return \"ok\"" }
        let others = verbs.keys.sorted().map { "\($0) = function() \(verbs[$0] ?? "") end," }.joined(separator: " ")
        return """
            return {
              name = "x", api = 1,
              isolation = "none",
              needs = { \(needs) },
              \(others)
              \(verb) = function(actor, request)
            \(body)
              end,
            }
            """
    }

    /// Sends a verb.
    func begin(_ verb: String = "run", request: PluginValue = .map([:])) throws {
        try supervisor.send(
            .verb(
                name: verb,
                actor: Self.actor,
                request: request,
                functions: HostFunction.table.map(\.name),
                deadlineMilliseconds: 5000
            )
        )
    }

    /// The next frame.
    func next() throws -> SupervisorFrame { try supervisor.receive(until: Self.soon) }

    /// The trap that a verb of this body ends with.
    static func trap(_ body: String, needs: String = "", verb: String = "run") throws -> TrapFrame {
        let fixture = try ScriptFixture(source(body, needs: needs, verb: verb))
        try fixture.begin(verb)
        guard case .trap(let trap) = try fixture.next() else { throw CancellationError() }
        return trap
    }

    /// What a verb of this body answers; it calls nothing of the host.
    static func answer(_ body: String, verb: String = "run") throws -> (status: String, result: PluginValue) {
        try answer(source: source(body, verb: verb), verb: verb)
    }

    /// What a verb of this script answers.
    static func answer(source: String, verb: String = "run") throws -> (status: String, result: PluginValue) {
        let fixture = try ScriptFixture(source)
        try fixture.begin(verb)
        switch try fixture.next() {
        case .answer(let status, let result): return (status, result)
        case .trap(let trap): throw Trapped(trap: trap)
        default: throw CancellationError()
        }
    }
}
