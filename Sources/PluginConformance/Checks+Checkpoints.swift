import ActorContract
import HostErrors
import SystemLayer
import Threads

/// Checkpoint: the volumes are saved when everybody has had a chance to flush, and nobody lives on.
extension Check {
    static let checkpoints: [Check] = [
        scopeAccepted("full", .full),
        scopeAccepted("data", .data),
        Check(
            "volume-lost",
            "checkpoint(data) saves the durable volumes, and the actor is paused",
            needs: [.scope("data")],
            mend: "without volumes_saved the host saves them; answer volumes_saved only when your files hold them"
        ) { trial in
            let actor = trial.actor("a", volumes: ["data", "other"])
            try await actor.begin()
            _ = try await actor.shell("echo 41 > /data/count; ln -s count /data/link")
            try await actor.checkpoint()
            try expect(actor.status == .paused, "the actor is \(actor.statusText)")
            let files = try await onThread("check") { try DirectoryTree.names(in: "\(actor.places.snapshots)/first") }
            let saved = try ended(actor, "checkpoint")
            let answer = try? saved.outcome.get()
            try expect(
                files.contains("durable-dir.tar") || answer?.volumesSaved == true,
                "the snapshot holds \(files.joined(separator: ", ")), and the script did not say that it saved the volumes"
            )
            try await trial.moved(actor, to: "slot-elsewhere").restore()
            let text = try await actor.shell("cat /data/count /data/link")
            try expect(text == "41\n41\n", "after a restore the volume reads \"\(text)\"")
        },
        Check(
            "snapshot-too-early",
            "what a program writes on its way out is in the snapshot",
            needs: [.scope("data")],
            mend: "end the programs with request.grace_ms before you answer"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web", .slow)])
            try await actor.begin()
            try await actor.checkpoint(grace: 5000)
            if try ended(actor, "checkpoint").outcome.get().volumesSaved { return }
            let words = actor.events.map(\.word)
            try expect(words.contains("term"), "\"web\" was not asked to end")
            try expect(words.contains("flushed"), "\"web\" was killed while it wrote: it had 5000 ms and needed 150")
        },
        Check(
            "checkpoint-leaves-running",
            "when checkpoint has answered, no program of the actor lives",
            needs: [.scope("data")],
            mend: "end every program: return host.process.stop(actor.processes, request.grace_ms)"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            try await actor.checkpoint()
            let ending = try ended(actor, "checkpoint")
            try trial.expectNobody(ending, of: actor)
            try await trial.expectNothingLeft(actor, after: "checkpoint")
        },
        Check(
            "checkpoint-waits-for-ever",
            "a program that ignores TERM is gone when the grace is over, and the snapshot is made",
            needs: [.scope("data")]
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web", .stubborn)])
            try await actor.begin()
            try await actor.checkpoint(grace: 100)
            let ending = try ended(actor, "checkpoint")
            try trial.expectNobody(ending, of: actor)
        },
        Check(
            "checkpoint-needs-everybody",
            "checkpoint(data) of a half-dead actor saves its volumes",
            needs: [.scope("data")],
            mend: "look programs up in actor.processes and pass over the absent ones"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            trial.stage.backend.plan(actor.key, .checkpoint, .init(before: { Check.kill($0, first: 1) }))
            do throws(HostError) { try await actor.checkpoint() } catch {
                throw Finding("checkpoint answered: \(error.message)")
            }
            _ = try ended(actor, "checkpoint")
        },
        Check(
            "not-idempotent-checkpoint",
            "a checkpoint(data) that is called once more finds nobody and answers ok",
            needs: [.scope("data")],
            mend: "a verb that was killed half-way is called again on what it left"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            trial.stage.backend.plan(actor.key, .checkpoint, .init(again: true))
            try await actor.checkpoint()
            if case .failure(let error)? = actor.endingAgain("checkpoint")?.outcome {
                throw Finding("called again on what the first one left, it answered: \(error.message)")
            }
        },
        Check(
            "repeat-checkpoints-again",
            "a repeated Checkpoint does nothing, and other Runs in its slot begin",
            needs: [.scope("data")]
        ) { trial in
            let actor = trial.actor("a", slot: "slot-freed")
            try await actor.begin()
            try await actor.checkpoint()
            let calls = actor.calls("checkpoint").count
            try await actor.checkpoint()
            try expect(actor.calls("checkpoint").count == calls, "the script was asked again")
            let next = trial.actor("b", slot: "slot-freed", june: true)
            try await next.begin()
        },
    ]

    private static func scopeAccepted(_ name: String, _ scope: SnapshotScope) -> Check {
        Check(
            "\(name)-scope-accepted",
            "a checkpoint(\(name)) that the backend does not declare is refused before anything changes",
            needs: [.lacks(name)]
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            do {
                try await actor.checkpoint(scope: scope)
                throw Finding("it was accepted")
            } catch let error as HostError {
                try expect(error.reason == .scopeUnsupported, "it was refused with \(error)")
            }
            try expect(actor.calls("checkpoint").isEmpty, "the script was asked")
            try expect(actor.status == .ready, "the actor is \(actor.statusText)")
            _ = try await actor.shell("echo alive")
        }
    }
}
