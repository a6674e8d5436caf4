import ActorContract
import ActorLifecycle
import HostErrors
import SystemLayer
import Threads

/// Readiness, and runs that do not come that far.
extension Check {
    static let reached: [Check] = [
        Check(
            "not-reachable",
            "a program that listens is reached at the actor's address, and the actor is ready",
            needs: [.network],
            mend: "the program belongs in actor.network.namespace"
        ) { trial in
            let actor = trial.actor("a", [Probe.counter()])
            try await actor.run()
            try expect(actor.status == .ready, "the actor is \(actor.statusText)")
        },
        Check("never-ready", "a program that never answers 200 fails the Run in its time, and nothing is left") {
            trial in
            let actor = trial.actor("a", [Probe.counter("web", path: "/nothing", seconds: 1)])
            try await refuse(actor, .readinessTimeout)
            try await trial.expectNothingLeft(actor, after: "run")
        },
        Check("unknown-program", "a program that is not in the image fails the Run, and nothing is left") { trial in
            let actor = trial.actor("a", [Probe.container("web", command: ["/no/such/program"])])
            try await refuse(actor, nil)
            try await trial.expectNothingLeft(actor, after: "run")
        },
        Check("half-run-survives", "when the second container cannot start, the first does not live on") { trial in
            let broken = Probe.container("side", command: ["/no/such/program"])
            let actor = trial.actor("a", [Probe.container("web"), broken])
            try await refuse(actor, nil)
            try await trial.expectNothingLeft(actor, after: "run")
        },
        Check("early-end-unseen", "a program that ends before it is ready fails the Run") { trial in
            var container = Probe.counter("web", seconds: 5)
            container.command = ["/bin/sh", "-c", "exit 3"]
            let actor = trial.actor("a", [container])
            try await refuse(actor, nil)
            try await trial.expectNothingLeft(actor, after: "run")
        },
        Check("spoilt-by-failure", "after a Run that failed the same actor runs in the same slot") { trial in
            var actor = trial.actor("a", [Probe.container("web", command: ["/no/such/program"])])
            try await refuse(actor, nil)
            actor.request.spec.containers = trial.actor("b").request.spec.containers
            try await actor.begin()
        },
        Check("not-cancellable", "a Run that is cancelled in its middle ends, and nothing is left") { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            trial.stage.observer.arm(actor.key, firstOf: "run", .hold)
            let run = Task { try await actor.run() }
            try await eventually("run made no call to the host") { trial.stage.observer.isHeld(actor.key) }
            run.cancel()
            if case .success = await run.result { throw Finding("the cancelled run answered ok") }
            try await trial.expectNothingLeft(actor, after: "a cancelled run")
            try await actor.begin()
        },
        Check("stop-waits-for-run", "a Stop ends a Run that is under way, and nothing is left") { trial in
            let actor = trial.actor()
            trial.stage.observer.arm(actor.key, firstOf: "run", .hold)
            let run = Task { try await actor.run() }
            try await eventually("run made no call to the host") { trial.stage.observer.isHeld(actor.key) }
            try await actor.stop(grace: 50)
            if case .success = await run.result { throw Finding("the stopped run answered ok") }
            try expect(actor.status == .stopped, "the actor is \(actor.statusText)")
            try await trial.expectNothingLeft(actor, after: "stop")
        },
        Check(
            "crash-unseen",
            "a program that is killed makes the actor failed (crashed)",
            mend: "keep or adopt the program whose end is the actor's end"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            guard let process = actor.record?.processes.last,
                let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime)
            else { throw Finding("the host knows no program of the actor") }
            handle.signal(9)
            try await eventually(
                "the actor is \(actor.statusText) when \"\(process.name)\" was killed"
            ) { actor.status == .failed }
            try expect(actor.record?.reason == .crashed, "its reason is \(actor.record?.reason.rawValue ?? "")")
            try await trial.expectNothingLeft(actor, after: "a crash")
        },
        Check("end-unseen", "an actor whose programs end with 0 is stopped") { trial in
            let waiting = "while [ ! -e /data/end ]; do sleep 0.02; done"
            let actor = trial.actor("a", [Probe.container("web", command: ["/bin/sh", "-c", waiting])])
            try await actor.run()
            let end = "\(actor.volume)/end"
            try await onThread("check") { try AtomicFile.write([], to: end) }
            try await eventually("the actor is \(actor.statusText)") {
                actor.status == .stopped
            }
            try await trial.expectNothingLeft(actor, after: "its end")
        },
    ]

    /// A run that must fail.
    private static func refuse(_ actor: TestActor, _ reason: Reason?) async throws {
        do {
            try await actor.run()
        } catch {
            try expect(reason == nil || error.reason == reason, "run failed with \(error)")
            return
        }
        // Without a probe a program may end a moment after it was ready.
        try await eventually("run answered ok, and the actor is \(actor.statusText)") {
            actor.status == .failed
        }
    }
}
