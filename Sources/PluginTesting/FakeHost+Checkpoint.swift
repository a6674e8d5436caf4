import ActorContract
import HostErrors
import PluginHost

/// Checkpoint: what is saved, and who goes on.
extension FakeHost {
    func checkpoint(
        _ number: Int,
        scope: SnapshotScope,
        graceMilliseconds: Int64,
        mayHold: Bool = false
    ) -> (Outcome, Int?) {
        do throws(HostError) { try Admission.check(scope, by: subject.description) } catch {
            return (refusal(error), nil)
        }
        let actor = actors[number]
        guard actor.isLive else {
            return (Outcome(status: "not_running", reason: "only a ready actor can be checkpointed"), nil)
        }
        do throws(HostError) { try Admission.refuse(probe(actor), verb: .checkpoint, scope: scope) } catch {
            return (refusal(error), nil)
        }
        var request = VerbRequest()
        request.graceMilliseconds = graceMilliseconds
        request.timeoutMilliseconds = 60_000
        request.scope = scope
        request.mayHold = mayHold && scope == .full
        request.snapshotDirectory = "\(Self.base)/snapshots/\(snapshots.count + 1)"
        let (outcome, answer) = perform(.checkpoint, actor, request)
        guard let answer else {
            // The truth is what runs: the script may have ended the programs or not.
            let all = actor.processes.allSatisfy { world.program($0.pid)?.hasExited() == false }
            if !all { teardown(number) }
            return (outcome, nil)
        }
        if !answer.isHeld { world.kill(in: actor.directory) }
        let places = ActorDirectories(actor.directory)
        var names = Set(world.files(below: request.snapshotDirectory).keys)
        let volumes = answer.volumesSaved ? [:] : world.files(below: places.durable)
        if !answer.volumesSaved, !actor.volumes.isEmpty { names.insert("durable-dir.tar") }
        snapshots.append(
            Snapshot(
                actor: number,
                scope: scope,
                directory: request.snapshotDirectory,
                volumesSaved: answer.volumesSaved,
                volumes: volumes,
                files: names.sorted()
            )
        )
        if answer.isHeld {
            actors[number].isLive = false
            actors[number].held = snapshots.count - 1
        } else {
            teardown(number)
        }
        return (outcome, snapshots.count - 1)
    }
}
