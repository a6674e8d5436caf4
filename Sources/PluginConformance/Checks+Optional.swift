import ActorContract
import ActorLifecycle
import HostErrors
import PluginProtocol
import SystemLayer
import Threads

/// The verbs that a backend may lack: asked where it has them.
extension Check {
    /// Exec: the caller's program, in the container that was asked for.
    static let executing: [Check] = [
        Check(
            "exec-changed-command",
            "exec runs the program with its arguments, and its streams and exit code are the caller's",
            needs: [.verb("exec")],
            mend: "pass request.command on as it is, with stdio = \"client\""
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            let script = "printf '[%s]' \"$@\"; echo wrong >&2; exit 7"
            let done = try await actor.exec(["/bin/sh", "-c", script, "name", "two words", "", "*"])
            try expect(done.output == "[two words][][*]", "the program was given \(done.output)")
            try expect(done.errors == "wrong\n", "what it complained of came as \"\(done.errors)\"")
            try expect(done.code == 7, "it ended with 7, and the caller was told \(done.code)")
        },
        Check(
            "exec-wrong-container",
            "exec runs in the container that the request names",
            needs: [.verb("exec")],
            mend: "use request.container"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            for name in actor.names { _ = try await actor.shell("echo \(name) > /where", in: name) }
            for name in actor.names.reversed() {
                let text = try await actor.exec(["/bin/sh", "-c", "cat /where"], in: name).output
                try expect(
                    text == "\(name)\n",
                    "in \"\(name)\" it finds the files of \"\(text.prefix { $0 != "\n" })\""
                )
            }
        },
        Check(
            "exec-environment",
            "exec gives the program the request's environment",
            needs: [.verb("exec")],
            mend: "pass request.env on"
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            let text = try await actor.exec(["/bin/sh", "-c", "echo \"$WHAT\""], environment: ["WHAT": "a b"]).output
            try expect(text == "a b\n", "the program sees \"\(text)\"")
        },
        Check(
            "exec-harms-the-actor",
            "an exec leaves the actor as it was, and stop ends a program that exec left open",
            needs: [.verb("exec")]
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            let before = actor.record?.processes
            _ = try await actor.exec(["/bin/sh", "-c", "exit 1"])
            try expect(actor.status == .ready, "the actor is \(actor.statusText)")
            try expect(actor.record?.processes == before, "the actor has other programs now")
            _ = try await actor.shell("echo alive")
            let open = Task { try await actor.exec(["/bin/sh", "-c", "echo > /data/open; sleep 600"]) }
            defer { open.cancel() }
            let mark = "\(actor.volume)/open"
            try await eventually("the open program never began") { TextFile.read(mark) != nil }
            try await actor.stop()
            let done = try await open.value
            try expect(done.code != 0, "the open program ended with 0")
            try await trial.expectNothingLeft(actor, after: "stop")
        },
    ]

    /// Stats, probe and recover: they look, and change nothing.
    static let looking: [Check] = [
        Check(
            "stats-nonsense",
            "stats answers figures of this actor: memory, programs, and processor time that only grows",
            needs: [.verb("stats")]
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            let first = try await trial.stage.host.statistics(actor.key)
            // A probe may have taken the verb away: then the kernel's figures are right, and not the script's.
            guard first.source == .backend else { return }
            try expect((first.memoryBytes ?? 0) > 0, "memory_bytes is \(first.memoryBytes ?? 0)")
            try expect((first.pids ?? 0) > 0, "pids is \(first.pids ?? 0), and the actor has programs")
            _ = try await actor.shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
            let second = try await trial.stage.host.statistics(actor.key)
            try expect(
                (second.cpuNanoseconds ?? 0) > (first.cpuNanoseconds ?? 0),
                "cpu_ns was \(first.cpuNanoseconds ?? 0), and after some work it is \(second.cpuNanoseconds ?? 0)"
            )
            _ = try await actor.shell("echo alive")
        },
        Check(
            "probe-changes",
            "probe answers the same for the same tools, assets and settings",
            needs: [.verb("probe")],
            mend: "the host keeps the answer until they change: what differs from call to call is not to be in it"
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            try expect(!trial.stage.backend.probes.isEmpty, "probe was not asked")
            for probed in trial.stage.backend.probes {
                let second: ProbeAnswer?
                switch probed.second {
                case .success(let answer): second = answer
                case .failure(let error): throw Finding("asked once more, it answered no ok: \(error.message)")
                }
                try expect(probed.first?.without == second?.without, "without differs from call to call")
                try expect(probed.first?.probed == second?.probed, "probed differs from call to call")
            }
        },
        Check(
            "recover-denies-the-living",
            "recover answers ok for an actor whose programs live, again and again, and changes nothing",
            needs: [.verb("recover")]
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            let before = actor.record?.processes
            for _ in 0..<2 {
                do throws(HostError) {
                    let backend = trial.stage.backend
                    let (answer, living) = try await onThread("check") { () throws(HostError) in
                        try backend.recover(actor.key)
                    }
                    try ensure(answer.processes == living, "it keeps other programs now")
                } catch { throw Finding("recover answered: \(error.message)") }
            }
            _ = try await actor.shell("echo alive")
            try expect(actor.record?.processes == before, "the actor has other programs now")
        },
        Check(
            "recover-revives-the-dead",
            "recover does not answer ok when every program of the actor is gone",
            needs: [.verb("recover")],
            mend: "look programs up in actor.processes: return \"not_running\" when they are not there"
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            let kept = actor.record?.processes ?? []
            // Of a container's own program the host knows by itself that it is gone.
            guard kept.contains(where: { !actor.names.contains($0.name) }) else { return }
            for process in kept {
                guard let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime) else { continue }
                handle.signal(9)
            }
            try await eventually("a killed program lives") {
                kept.allSatisfy {
                    ProcessHandle.find(pid: $0.pid, startTime: $0.startTime).map { $0.hasExited() } ?? true
                }
            }
            let backend = trial.stage.backend
            let revived = try? await onThread("check") { () throws(HostError) in try backend.recover(actor.key) }
            try expect(revived == nil, "recover answered ok, and no program of the actor lives")
        },
    ]

    /// Prepare: a warm slot serves as a cold one does.
    static let warming: [Check] = [
        Check(
            "never-warm",
            "prepare answers ok in an empty slot, and nothing is left of one that nobody took",
            needs: [.verb("prepare")]
        ) { trial in
            try await warmUp(trial, trial.actor())
            await trial.stage.host.coolDown()
            let processes = trial.stage.backend.endings(ofSlots: .prepare).flatMap { ending in
                (try? ending.outcome.get().processes) ?? []
            }
            try await eventually("a program of a slot that was thrown away lives") {
                processes.allSatisfy {
                    ProcessHandle.find(pid: $0.pid, startTime: $0.startTime).map { $0.hasExited() } ?? true
                }
            }
            let left = trial.stage.host.cgroupsLeft().filter { $0.contains("/slot-") }
            try expect(left.isEmpty, "cgroup \(left.first ?? "") is left")
        },
        Check(
            "warm-differs",
            "a Run, and a Restore where there are any, in a warm slot do what they do in a cold one",
            needs: [.verb("prepare")],
            mend: "actor.prepared is what prepare answered, and nil in a cold slot: both ways lead to the same actor"
        ) { trial in
            try await warmUp(trial, trial.actor("cold"))
            var found: TestActor?
            for number in 1...8 where found == nil {
                let actor = trial.actor("warm-\(number)", [Probe.container("web"), Probe.container("side")])
                do throws(HostError) { try await actor.run() } catch {
                    throw Finding("run in a warm slot answered: \(error.message)")
                }
                if actor.ending("run")?.isWarm == true { found = actor } else { try await actor.terminate() }
            }
            guard let actor = found else { throw Finding("no Run got a warm slot") }
            try await actor.started()
            _ = try await actor.shell("echo 41 > /data/count")
            if trial.stage.descriptor.scopes.contains("data") {
                try await actor.checkpoint()
                let before = actor.starts
                try await actor.restore()
                try await actor.started(since: before)
                let text = try await actor.shell("cat /data/count")
                try expect(text == "41\n", "after a restore the volume reads \"\(text)\"")
            }
            try await actor.stop()
            let ending = try ended(actor, "stop")
            try trial.expectNobody(ending, of: actor)
            try await trial.expectNothingLeft(actor, after: "stop")
        },
    ]

    /// Handles that a verb lets go of.
    static let leaking: [Check] = [
        Check(
            "leaked-handle",
            "every program that a verb starts is kept, waited for, or the one that exec answers",
            mend: "wait for it, or keep it: the host ends it with the verb"
        ) { trial in
            let verbs = trial.stage.descriptor.verbs
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            if verbs.contains("exec") { _ = try await actor.exec(["/bin/sh", "-c", "exit 0"]) }
            if verbs.contains("stats") { _ = try await trial.stage.host.statistics(actor.key) }
            if trial.stage.descriptor.scopes.contains("data") {
                try await actor.checkpoint()
                try await actor.restore()
            }
            try await actor.stop()
            if let leak = trial.stage.printed.leaks.first {
                throw Finding("\(leak.verb) started \(leak.programs), did not keep it and never waited for it")
            }
        }
    ]

    /// Waits until a slot is warm; an actor's Run asks for one where assets are needed for it.
    private static func warmUp(_ trial: Trial, _ actor: TestActor) async throws {
        try await actor.begin()
        let backend = trial.stage.backend
        try await eventually("prepare was not asked", milliseconds: 9000) {
            !backend.endings(ofSlots: .prepare).isEmpty
        }
        if case .failure(let error)? = backend.endings(ofSlots: .prepare).first?.outcome {
            throw Finding("prepare answered: \(error.message)")
        }
    }

    /// As `expect`, where only a host's error may be thrown.
    private static func ensure(_ holds: Bool, _ text: String) throws(HostError) {
        if !holds { throw HostError(.internal, nil, text) }
    }
}
