import ActorContract
import ActorLifecycle
import HostErrors
import Threads

/// Run: which programs there are then, and what they are given.
extension Check {
    static let running: [Check] = [
        Check("forgets-a-container", "run starts every container of the actor") { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side"), Probe.container("third")])
            try await actor.begin()
        },
        Check(
            "wrong-order",
            "containers are started in the order of the spec",
            mend: "ipairs(actor.containers) is that order; pairs is none"
        ) { trial in
            let actor = trial.actor("a", ["zeta", "alpha", "mid"].map { Probe.container($0) })
            try await actor.begin()
            let order = actor.calls("run").compactMap(\.target).filter(actor.names.contains)
            // A runtime may start them by one call: then nobody sees an order.
            let first = actor.names.filter(order.contains)
            var seen: [String] = []
            for name in order where !seen.contains(name) { seen.append(name) }
            try expect(
                seen == first,
                "the spec says \(first.joined(separator: ", ")), run starts \(seen.joined(separator: ", "))"
            )
        },
        Check(
            "unwatched",
            "run leaves the host a program to watch",
            mend: "keep or adopt the program whose end is the actor's end"
        ) { trial in
            let actor = trial.actor()
            try await actor.run()
            try expect(actor.record?.processes.isEmpty == false, "after run the host knows no program of the actor")
        },
        Check("changed-command", "a program gets its arguments as they stand in the request") { trial in
            let odd = ["", "two words", "quote'\"$HOME", "ünïcödé", "-x", "*"]
            var container = Probe.container("web")
            container.command += odd
            // The probe keeps its arguments: $0 is its name and $1 its manner.
            container.command[2] =
                "shift; for x; do printf '%s\\n' \"[$x]\"; done > /data/words\n"
                + container.command[2].replacing("$1", with: "plain")
            let actor = trial.actor("a", [container])
            try await actor.begin()
            let words = try await actor.shell("cat /data/words")
            try expect(words == odd.map { "[\($0)]\n" }.joined(), "the program was given \(words)")
        },
        Check("changed-environment", "a program gets the request's environment, in its order") { trial in
            var container = Probe.container("web")
            container.environment = [
                EnvironmentEntry(name: "FIRST", value: "a b"), EnvironmentEntry(name: "SECOND", value: ""),
                EnvironmentEntry(name: "THIRD", value: "x=y\"'$Z"),
            ]
            let actor = trial.actor("a", [container])
            try await actor.begin()
            let text = try await actor.shell("printf '%s|%s|%s' \"$FIRST\" \"$SECOND\" \"$THIRD\"")
            try expect(text == "a b||x=y\"'$Z", "the program sees \(text)")
        },
        Check("host-environment", "a program gets nothing of the host's own environment") { trial in
            let actor = trial.actor()
            try await actor.begin()
            let text = try await actor.shell("cat /proc/self/environ | tr '\\0' '\\n' 2>/dev/null || set")
            try expect(!text.contains(ConformanceSuite.canary), "the host's \(ConformanceSuite.canary) reached it")
        },
        Check(
            "no-identity",
            "a program finds the actor's name in /run/ate/actor-id",
            mend:
                "show it the file actor.identity there, read-only; workload.start and bundle.write do so by themselves"
        ) { trial in
            let actor = trial.actor()
            try await actor.begin()
            let text = try await actor.shell("cat /run/ate/actor-id")
            try expect(text == actor.key.name, "/run/ate/actor-id says \"\(text)\"")
        },
        Check("no-volume", "a durable volume is mounted where the request says, also where the image has nothing") {
            trial in
            var container = Probe.container("web")
            container.volumeMounts.append(VolumeMount(name: "deep", mountPath: "/var/lib/some where/deep"))
            let actor = trial.actor("a", [container], volumes: ["data", "deep"])
            try await actor.begin()
            _ = try await actor.shell("echo here > '/var/lib/some where/deep/file'")
            let text = try await actor.shell("cat '/var/lib/some where/deep/file'")
            try expect(text == "here\n", "the file in it reads \"\(text)\"")
            let inside = try await onThread("check") { try DirectoryNames.of(actor.places.volume("deep")) }
            try expect(inside == ["file"], "what was written there is not in the volume")
        },
        Check("volume-not-shared", "two containers that mount one volume see the same files") { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            _ = try await actor.shell("echo from web > /data/shared", in: "web")
            let text = try await actor.shell("cat /data/shared", in: "side")
            try expect(text == "from web\n", "the other one reads \"\(text)\"")
        },
        Check("needs-a-volume", "an actor without volumes runs and stops") { trial in
            var container = Probe.container("web", command: ["/bin/sh", "-c", "while :; do sleep 0.05; done"])
            container.volumeMounts = []
            let actor = trial.actor("a", [container], volumes: [])
            try await actor.run()
            try await actor.stop(grace: 50)
            if case .failure(let error)? = actor.ending("stop")?.outcome { throw Finding("stop: \(error.message)") }
        },
        Check("dirty-root", "an actor that was terminated begins with a fresh root") { trial in
            let actor = trial.actor()
            try await actor.begin()
            try await actor.terminate()
            try await actor.begin()
            let last = actor.events.last { $0.word == "start" }?.rest ?? ""
            try expect(last.hasPrefix("fresh"), "what the first life wrote to its root is still there")
        },
        Check("repeat-runs-again", "a repeated Run does nothing") { trial in
            let actor = trial.actor()
            try await actor.begin()
            let before = actor.record?.processes
            let calls = actor.calls("run").count
            try await actor.run()
            try expect(actor.calls("run").count == calls, "the script was asked again")
            try expect(actor.record?.processes == before, "the actor has other programs now")
        },
        Check("run-disturbs-the-living", "a Run with other bytes is refused, and the live actor goes on") { trial in
            let actor = trial.actor()
            try await actor.begin()
            var other = actor
            other.request.spec.containers[0].command.append("more")
            let pids = actor.record?.processes
            do {
                try await other.run()
                throw Finding("it was accepted")
            } catch let error as HostError {
                try expect(error.reason == .actorRunning, "it was refused with \(error)")
            }
            _ = try await actor.shell("echo alive")
            try expect(actor.record?.processes == pids, "the live actor has other programs now")
        },
        Check("odd-names", "names of 63 characters and names that begin with a digit are served") { trial in
            let long = "a" + String(repeating: "-9", count: 31)
            let actor = trial.actor("a", [Probe.container(long), Probe.container("0")])
            try await actor.begin()
            try await actor.stop()
        },
        Check(
            "june-key",
            "an actor of the June dialect is served, whose directories hold colons",
            mend: "paths are given to programs as they are; a list of mounts joined with : cannot hold them"
        ) { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")], june: true)
            try await actor.begin()
            let text = try await actor.shell("cat /run/ate/actor-id")
            try expect(text == actor.key.name, "/run/ate/actor-id says \"\(text)\"")
        },
        Check("many-containers", "eight containers run and stop") { trial in
            let actor = trial.actor("a", (1...8).map { Probe.container("c\($0)") })
            try await actor.begin()
            try await actor.stop()
            if case .failure(let error)? = actor.ending("stop")?.outcome { throw Finding("stop: \(error.message)") }
        },
        Check("output-lost", "what a program prints is in the actor's log") { trial in
            let actor = trial.actor("a", [Probe.container("web"), Probe.container("side")])
            try await actor.begin()
            for name in actor.names {
                try await eventually("the log has no line of \"\(name)\"") {
                    let lines = try trial.stage.host.logs(actor.key, container: name, follow: false)
                    for await line in lines
                    where String(decoding: line.bytes, as: UTF8.self) == "\(name) prints" { return true }
                    return false
                }
            }
        },
    ]
}
