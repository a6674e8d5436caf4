import ContractWire
import Foundation
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Testing

/// `substrate-host exec` from the command line to inside a container, and back.
@Suite(
    "Exec",
    .serialized,
    .enabled(if: TestMachine.needs(TestMachine.isRoot), "actors are confined as root only")
)
struct ExecTests {
    private func exec(_ host: TestHost, _ words: String..., input: String = "") async throws -> ProgramRun {
        try await ProgramRun.run(TestMachine.host, ["exec", "--connect", host.unix] + words, input: input)
    }

    private func sees(_ host: TestHost, _ script: String) async throws -> String {
        let run = try await exec(host, "one", "--", "sh", "-c", script)
        #expect(run.code == 0, "\(run.error)\n\(host.log)")
        return run.output
    }

    @Test("a program inside has its streams, the container's view and limits, and its exit code comes back")
    func inside() async throws {
        try await TestHost.with { host in
            _ = try await host.run(try await host.request("one")).get()
            let both = try await exec(host, "one", "sh", "-c", "echo out; echo err >&2; exit 7")
            #expect(both.code == 7 && both.output == "out\n" && both.error == "err\n", "\(both)\n\(host.log)")
            let typed = try await exec(host, "-i", "--container", "main", "one", "--", "cat", input: "typed\n")
            #expect(typed.code == 0 && typed.output == "typed\n", "\(typed)")
            #expect(try await exec(host, "one", "--", "cat").code == 0, "without -i there is no input")
            // The view: process 1 is the container's, the volume is there, the machine's tree is not.
            #expect(try await sees(host, "ls -d /data /counter") == "/counter\n/data\n")
            #expect(try await sees(host, "read name < /proc/sys/kernel/hostname; echo $name") == "actor\n")
            #expect(
                try await sees(host, "ps | while read pid rest; do [ $pid = 1 ] && echo first; done; :") == "first\n"
            )
            let limits = try await sees(
                host,
                "while read k v; do case $k in CapBnd:|NoNewPrivs:|Seccomp:) echo $k$v;; esac; done < /proc/self/status"
            )
            // KILL, NET_BIND_SERVICE and AUDIT_WRITE.
            #expect(limits.contains("CapBnd:0000000020000420\n"), "\(limits)")
            #expect(limits.contains("NoNewPrivs:1\n") && limits.contains("Seccomp:2\n"), "\(limits)")
            #expect(try await sees(host, "ls /proc/self/fd | while read n; do [ $n -gt 3 ] && echo $n; done; :") == "")
            let killed = try await exec(host, "one", "--", "sh", "-c", "kill -9 $$")
            #expect(killed.code == 137)
            let listed = try await host.actor("one")
            #expect(listed.status == "ready", "what is executed is no part of the actor")
        }
    }

    @Test("what cannot be executed has the codes of shells, and what the host refuses has 125")
    func refused() async throws {
        try await TestHost.with { host in
            _ = try await host.run(try await host.request("one")).get()
            let missing = try await exec(host, "one", "--", "no-such-program")
            #expect(missing.code == 127, "\(missing)")
            let directory = try await exec(host, "one", "--", "/data")
            #expect(directory.code == 126, "\(directory)")
            #expect(try await exec(host, "nobody", "--", "true").code == 125)
            #expect(try await exec(host, "--container", "other", "one", "--", "true").code == 125)
            #expect(try await host.command("stop", "one").code == 0)
            #expect(try await exec(host, "one", "--", "true").code == 125)
        }
    }

    @Test("ctrl-c is the program's, a client that dies ends it, and a stop ends what is still open")
    func ends() async throws {
        try await TestHost.with { host in
            _ = try await host.run(try await host.request("one")).get()
            func client(_ script: String) throws -> (ProcessHandle, CInt) {
                let pipe = try Channels.pipe()
                let writer = OwnedFD(pipe.write)
                var plan = SpawnPlan(
                    program: TestMachine.host,
                    arguments: ["substrate-host", "exec", "--connect", host.unix, "one", "--", "sh", "-c", script]
                )
                plan.environment = ["PATH=/usr/bin:/bin"]
                plan.descriptors = [(child: 1, parent: writer.rawValue)]
                do { return (try spawn(plan), pipe.read) } catch {
                    _ = close(pipe.read)
                    throw error
                }
            }
            let (interrupted, first) = try client("trap 'exit 9' INT; echo up; while :; do sleep 1; done")
            defer { _ = close(first) }
            #expect(try waitReadable(first, milliseconds: 20_000))
            interrupted.signal(SIGINT)
            try await eventually("the client ends") { interrupted.hasExited() ? () : nil }
            #expect(interrupted.wait() == .exited(9))
            let (dying, second) = try client("echo up; exec sleep 600")
            defer { _ = close(second) }
            #expect(try waitReadable(second, milliseconds: 20_000))
            dying.signal(SIGKILL)
            _ = dying.wait()
            try await eventually("the program ends with its client") {
                try await sees(host, "ps | while read l; do case $l in *'sleep 60'[0]*) echo $l;; esac; done") == ""
                    ? () : nil
            }
            let (open, third) = try client("echo up; exec sleep 600")
            defer { _ = close(third) }
            #expect(try waitReadable(third, milliseconds: 20_000))
            #expect(try await host.command("stop", "one").code == 0)
            try await eventually("the client ends with the actor") { open.hasExited() ? () : nil }
            #expect(open.wait() == .exited(137))
        }
    }

    @Test("a terminal is one inside")
    func terminal() async throws {
        try await TestHost.with { host in
            _ = try await host.run(try await host.request("one")).get()
            let run = try await exec(host, "-t", "one", "--", "sh", "-c", "[ -t 0 ] && [ -t 1 ] && echo is a terminal")
            #expect(run.code == 0 && run.output == "is a terminal\r\n", "\(run)\n\(host.log)")
        }
    }
}
