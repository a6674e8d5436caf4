import ActorContract
import ActorLifecycle
import HostErrors
import SystemLayer

/// Two actors side by side, and what they are allowed.
extension Check {
    static let apart: [Check] = [
        Check("sees-others-files", "an actor sees no file of another, in its root or its volumes") { trial in
            let one = trial.actor("a")
            let other = trial.actor("b")
            try await one.begin()
            try await other.begin()
            _ = try await one.shell("echo secret > /mine; echo secret > /data/mine")
            let text = try await other.shell("ls /mine /data/mine 2>/dev/null")
            try expect(text.isEmpty, "the other one sees \(text)")
        },
        Check("sees-others-processes", "an actor sees no program of another") { trial in
            let one = trial.actor("a", [Probe.container("first-of-a")])
            let other = trial.actor("b")
            try await one.begin()
            try await other.begin()
            let text = try await other.shell("cat /proc/[0-9]*/cmdline 2>/dev/null")
            try expect(!text.contains("first-of-a"), "the other one finds it in /proc")
        },
        Check("shares-ports", "two actors listen on the same port", needs: [.network]) { trial in
            let one = trial.actor("a", [Probe.counter()])
            let other = trial.actor("b", [Probe.counter()])
            try await one.run()
            try await other.run()
        },
        Check("one-in-a-slot", "two actors live in one slot, as one worker may host several") { trial in
            let one = trial.actor("a", slot: "slot-shared")
            let other = trial.actor("b", slot: "slot-shared")
            try await one.begin()
            try await other.begin()
            try await one.stop()
            _ = try await other.shell("echo alive")
        },
        Check("sees-the-host", "an actor finds nothing of the host's own directories") { trial in
            let actor = trial.actor()
            try await actor.begin()
            let path = trial.stage.scratch
            let text = try await actor.shell("ls '\(path)' 2>/dev/null; ls /work /root/.ssh 2>/dev/null")
            try expect(text.isEmpty, "it lists \(path)")
        },
    ]

    static let limits: [Check] = [
        limitIgnored("cpu") { $0.cpuMilli = 500 },
        limitIgnored("memory") { $0.memoryBytes = 256 << 20 },
        limitIgnored("container-cpu", needs: .noContainerLimit("cpu")) { $0.spec.containers[0].cpuMillis = 500 },
        limitIgnored("container-memory", needs: .noContainerLimit("memory")) {
            $0.spec.containers[0].memoryBytes = 256 << 20
        },
        Check(
            "container-memory-open",
            "the memory limit of one container holds for it and not for the one beside it",
            needs: [.containerLimit("memory")]
        ) { trial in
            var limited = Probe.container("web")
            limited.memoryBytes = 32 << 20
            let actor = trial.actor("a", [limited, Probe.container("side")])
            try await actor.begin()
            let grow = "if busybox dd if=/dev/zero of=/dev/null bs=64M count=1; then echo grown; else echo refused; fi"
            let beside = try await actor.shell(grow, in: "side")
            try expect(beside.contains("grown"), "\"side\" has no limit and cannot have 64 MiB")
            do {
                let text = try await actor.shell(grow, in: "web")
                try expect(!text.contains("grown"), "\"web\" has 32 MiB and used 64")
            } catch  where actor.status != .ready {
                return
            }
        },
        Check(
            "memory-unlimited",
            "a program cannot have more memory than its actor was given",
            needs: [.limit("memory")]
        ) { trial in
            var actor = trial.actor()
            actor.request.memoryBytes = 32 << 20
            try await actor.begin()
            try expectLimit(["memory.max", "memory.limit_in_bytes"], of: actor)
            // One block of 64 MiB, every page of which is written.
            let grow = "if busybox dd if=/dev/zero of=/dev/null bs=64M count=1; then echo grown; else echo refused; fi"
            do {
                let text = try await actor.shell(grow)
                try expect(!text.contains("grown"), "it has 32 MiB and used 64")
            } catch  where actor.status != .ready {
                // The kernel may end the whole actor.
                return
            }
        },
        Check(
            "cpu-unlimited",
            "a program cannot use more of a processor than its actor was given",
            needs: [.limit("cpu")]
        ) { trial in
            var actor = trial.actor()
            actor.request.cpuMilli = 100
            try await actor.begin()
            try expectLimit(["cpu.max", "cpu.cfs_quota_us"], of: actor)
            guard let place = actor.stage.backend.place(actor.key) else { return }
            // As the kernel counts it: a kernel of the backend's own counts what a program wanted, and a busy machine
            // makes a second longer.
            func used() -> Int64? { Cgroup.usage(layout: actor.stage.layout, name: place.cgroup).cpuNanoseconds }
            let (before, start) = (used(), ContinuousClock.now)
            _ = try await actor.shell("(while :; do :; done) & p=$!; sleep 1; kill -9 $p; wait $p")
            let share = Double((used() ?? 0) - (before ?? 0)) / 1e9 / ((ContinuousClock.now - start) / .seconds(1))
            try expect(share > 0, "nothing counts what it uses")
            try expect(share < 0.5, "it has a tenth of a processor and used \(share)")
        },
    ]

    /// Every program of the actor is where its limit is.
    private static func expectLimit(_ files: [String], of actor: TestActor) throws {
        guard let place = actor.stage.backend.place(actor.key) else { return }
        for process in actor.record?.processes ?? [] {
            try expect(
                Leftovers.isLimited(by: files, process.pid, in: place.cgroup, actor.stage.layout),
                "\"\(process.name)\" is in no cgroup that holds the limit"
            )
        }
    }

    private static func limitIgnored(
        _ limit: String,
        needs: Check.Need? = nil,
        _ set: @escaping @Sendable (inout RunRequest) -> Void
    ) -> Check {
        Check(
            "\(limit)-limit-ignored",
            "a \(limit) limit that the backend does not enforce is refused before anything changes",
            needs: [needs ?? .noLimit(limit)]
        ) { trial in
            var actor = trial.actor()
            set(&actor.request)
            do {
                try await actor.run()
                throw Finding("it was accepted")
            } catch let error as HostError {
                try expect(error.reason == .limitUnsupported, "it was refused with \(error)")
            }
            try expect(actor.calls("run").isEmpty, "the script was asked")
            try expect(actor.record == nil, "the actor is known now")
        }
    }
}
