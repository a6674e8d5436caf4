import ActorContract
import HostErrors
import SystemLayer

/// Stop: everybody, with their grace, whoever is left.
extension Check {
    static let stopping: [Check] = [
        Check(
            "leaks-a-process",
            "when stop has answered, no program of the actor lives",
            mend: "end every program: return host.process.stop(actor.processes, request.grace_ms)"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            try await actor.stop()
            let ending = try ended(actor, "stop")
            try trial.expectNobody(ending, of: actor)
        },
        Check(
            "no-grace",
            "stop asks programs to end, and gives them the request's grace",
            mend:
                "pass request.grace_ms on; a tool that passes no signal on has its child taken over: process.adopt { child_of = … }"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web", .slow), Probe.container("side", .slow)])
            try await actor.begin()
            try await actor.stop(grace: 5000)
            _ = try ended(actor, "stop")
            for name in actor.names {
                let words = actor.events.filter { $0.container == name }.map(\.word)
                try expect(words.contains("term"), "\"\(name)\" was not asked to end")
                try expect(
                    words.contains("flushed"),
                    "\"\(name)\" was killed while it wrote: it had 5000 ms and needed 150"
                )
            }
        },
        Check("stubborn-survives", "a program that ignores TERM is gone when the grace is over") { trial in
            let actor = trial.actor("a", [Probe.container("web", .stubborn), Probe.container("side")])
            try await actor.begin()
            try await actor.stop(grace: 100)
            let ending = try ended(actor, "stop")
            try trial.expectNobody(ending, of: actor)
        },
        Check(
            "not-idempotent-stop",
            "a stop that is called once more finds nobody and answers ok",
            mend: "a program that is gone is what stop wants: no failure"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            trial.stage.backend.plan(actor.key, .stop, .init(again: true))
            try await actor.stop()
            _ = try ended(actor, "stop")
            if case .failure(let error)? = actor.endingAgain("stop")?.outcome {
                throw Finding("called again on what the first stop left, it answered: \(error.message)")
            }
        },
        Check(
            "stop-needs-everybody",
            "stop ends a half-dead actor",
            mend:
                "look programs up in actor.processes and pass over the absent ones; a child that outlives its tool is to be adopted"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side"), Probe.container("third")])
            try await actor.begin()
            trial.stage.backend.plan(actor.key, .stop, .init(before: { Check.kill($0, first: 1) }))
            try await actor.stop()
            let ending = try ended(actor, "stop")
            try trial.expectNobody(ending, of: actor)
        },
        Check("stop-needs-anybody", "stop of an actor whose programs are all gone answers ok") { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            trial.stage.backend.plan(actor.key, .stop, .init(before: { Check.kill($0, first: .max) }))
            try await actor.stop()
            _ = try ended(actor, "stop")
        },
        Check(
            "root-lost",
            "an actor that was stopped and started finds its root and its volumes",
            needs: [.rootKept],
            mend: "a runtime that keeps roots in memory says so: root_in_memory = true"
        ) { trial in
            try expect(try await foundItsRoot(trial), "what it wrote to its root is gone")
        },
        Check(
            "root-lost",
            "an actor that was stopped and started finds its volumes, and the image's root, as declared",
            needs: [.rootInMemory],
            mend: "leave root_in_memory out"
        ) { trial in
            try expect(try await !foundItsRoot(trial), "what it wrote to its root is there, and root_in_memory is true")
        },
        Check("stop-reaches-others", "the stop of one actor leaves another as it is") { trial in
            let one = trial.actor("a")
            let other = trial.actor("b")
            try await one.begin()
            try await other.begin()
            try await one.stop()
            try expect(other.status == .ready, "the other is \(other.statusText)")
            _ = try await other.shell("echo alive")
        },
    ]

    /// Whether an actor finds, after Stop and Start, what it had written to its root; its volume it must find.
    private static func foundItsRoot(_ trial: Trial) async throws -> Bool {
        let actor = trial.actor()
        try await actor.begin()
        _ = try await actor.shell("echo kept > /data/file")
        try await actor.stop()
        let before = actor.starts
        try await actor.start()
        try await actor.started(since: before)
        let text = try await actor.shell("cat /data/file")
        try expect(text == "kept\n", "what it wrote to its volume reads \"\(text)\"")
        return actor.events.last { $0.word == "start" }?.rest.hasPrefix("kept") ?? false
    }

    /// The script's answer to a verb that must have been ok.
    static func ended(_ actor: TestActor, _ verb: String) throws -> ObservedBackend.Ending {
        guard let ending = actor.ending(verb) else { throw Finding("the script's \(verb) was not asked") }
        if case .failure(let error) = ending.outcome { throw Finding("\(verb) answered: \(error.message)") }
        return ending
    }

    /// Kills some of an actor's programs, and waits until they are gone.
    @Sendable static func kill(_ actor: PreparedActor, first count: Int) {
        for process in actor.processes.prefix(count) {
            guard let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime) else { continue }
            handle.signal(9)
            _ = handle.wait()
        }
    }
}
