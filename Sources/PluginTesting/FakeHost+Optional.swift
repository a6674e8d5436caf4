import ActorContract
import HostErrors
import PluginHost
import PluginProtocol
import SystemLayer

/// The verbs that a backend may lack, and what a host does without them.
extension FakeHost {
    /// A slot that `prepare` filled.
    struct WarmSlot {
        let directory: String
        let prepared: [UInt8]
        let processes: [KeptProcess]
        /// For which assets and tools it was made.
        let stamp: String
    }

    /// A program that the script started, did not keep and never waited for, or that one left behind unadopted.
    struct Leak {
        let program: String
        /// What a supervisor says; of a real one only `label` is known.
        let line: UInt32
        /// As the host logs it: `13` or `lib/containers.lua:7`.
        let label: String?
        let verb: String
        /// Whether it still ran when the verb had answered: then its cgroup and its namespace were there, too.
        let wasRunning: Bool
        let wasLeftBehind: Bool

        init(_ program: FakeProgram, verb: String) {
            self.program = program.name
            line = program.line ?? 0
            label = nil
            self.verb = verb
            wasRunning = !program.hasExited()
            wasLeftBehind = program.leftBy != nil
        }

        /// One of the real world, as the host logs it: `vmm (line 13)`.
        init(words: Substring, verb: String) {
            let parts = words.split(separator: " ")
            program = parts.dropLast(2).joined(separator: " ")
            line = 0
            label = parts.last.map { String($0.dropLast()) }
            self.verb = verb
            wasRunning = true
            wasLeftBehind = false
        }

        /// Where the script started it.
        func place(_ places: ScriptPlaces) -> String {
            guard let label else { return places(line) }
            return UInt32(label).map { places($0) } ?? label
        }

        /// What there was more of than before.
        var things: String {
            let name = wasLeftBehind ? "what \"\(program)\" left behind" : "program \"\(program)\""
            return wasRunning ? "\(name) (leaked_handle), its cgroup and mount namespace" : "\(name) (leaked_handle)"
        }

        /// What its author did.
        var words: String {
            wasLeftBehind
                ? "\(verb) ran \"\(program)\", which left a program behind that nobody adopted"
                : "\(verb) started \"\(program)\", did not keep it and never waited for it"
        }
    }

    /// What a verb came to, with what it answered for the test.
    typealias Answered = (outcome: Outcome, value: PluginValue)

    /// A refusal for want of a tool, with what its author does about it in a test, where nobody grants anything.
    static func forAuthor(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            let parts = line.split(separator: "--grant tool:", maxSplits: 1)
            guard line.hasPrefix("  mend"), parts.count == 2 else { return String(line) }
            let name = parts[1].prefix { $0 != "=" }
            return "  mend      say in the test what it answers: t:program(\"\(name)\", { {} }); served, an "
                + line.dropFirst(12)
        }.joined(separator: "\n")
    }

    // MARK: What is outside

    /// What is wrong with a `stop` that a host must be able to repeat; nil where it need not, or may.
    func repeatable(_ number: Int) -> Outcome? {
        guard subject.descriptor.outside else { return nil }
        let second = stopOutside(number)
        guard second.status != "ok" else { return nil }
        return Outcome(
            status: "failed",
            reason:
                "outside = true, but stop is not repeatable: the SDK ran it twice and the second answered \"\(second.status)\""
        )
    }

    /// What a `stop` after a failed verb came to, where it is a trap: whatever else it answers, it is asked again.
    func takenBack(_ number: Int) -> Outcome? {
        guard subject.descriptor.outside else { return nil }
        let outcome = stopOutside(number)
        return outcome.status.hasPrefix("trap ") ? outcome : nil
    }

    private func stopOutside(_ number: Int) -> Outcome {
        var request = VerbRequest()
        request.graceMilliseconds = 0
        request.timeoutMilliseconds = 10_000
        let (outcome, _) = perform(.stop, actors[number], request)
        teardown(number)
        return outcome
    }

    // MARK: Slots

    /// Makes a slot warm: the next Run or Restore that fits gets it.
    func prepare(_ assets: [String: [UInt8]]) -> Answered {
        var slot = blankSlot(assets)
        do throws(HostError) {
            let answer = try probe(slot)
            slot.probed = answer.probed
            if has(.prepare) { try Admission.refuse(answer, verb: .prepare) }
        } catch { return (refusal(error), .null) }
        world.make(FakePlace(kind: .cgroup, owner: slot.directory))
        if subject.description.needsNetwork { world.make(FakePlace(kind: .network, owner: slot.directory)) }
        var request = VerbRequest()
        request.timeoutMilliseconds = 30_000
        let (outcome, answer) = perform(.prepare, slot, request)
        guard let answer else {
            forget(slot.directory)
            return (outcome, .null)
        }
        warm.append(
            WarmSlot(
                directory: slot.directory,
                prepared: answer.prepared,
                processes: answer.processes,
                stamp: stamp(slot)
            )
        )
        return (outcome, Self.table(answer.prepared))
    }

    /// Asks what the backend can do with some assets.
    func probe(_ assets: [String: [UInt8]]) -> Answered {
        guard has(.probe) else { return (lacking(.probe), .null) }
        do throws(HostError) {
            let answer = try probe(blankSlot(assets))
            var fields: [String: PluginValue] = [
                "probed": Self.table(answer.probed), "without": .map(answer.without.mapValues { .text($0) }),
            ]
            if let valid = answer.validMilliseconds { fields["valid_ms"] = .integer(valid) }
            return (.ok, .map(fields))
        } catch { return (refusal(error), .null) }
    }

    /// The oldest warm slot that fits an actor; all that never will are thrown away.
    func takeWarm(for actor: Actor) -> WarmSlot? {
        let wanted = stamp(actor)
        let slots = warm
        warm = []
        var found: WarmSlot?
        for slot in slots {
            let isAlive = slot.processes.allSatisfy { world.program($0.pid)?.hasExited() == false }
            if slot.stamp != wanted || !isAlive {
                drop(slot)
            } else if found == nil {
                found = slot
            } else {
                warm.append(slot)
            }
        }
        return found
    }

    /// Throws a warm slot away.
    func drop(_ slot: WarmSlot) { forget(slot.directory) }

    private func forget(_ directory: String) {
        clear(directory)
        world.removeFiles(below: directory)
    }

    private func blankSlot(_ assets: [String: [UInt8]]) -> Actor {
        slotsMade += 1
        let name = "warm-\(slotsMade)"
        return Actor(
            identity: ActorIdentity(
                key: .autumn(atespace: "test", name: name),
                uid: "",
                templateNamespace: "",
                template: ""
            ),
            slot: name,
            containers: [],
            volumes: [],
            assets: assets,
            rootFiles: [:],
            directory: "\(Self.base)/slots/\(slotsMade)"
        )
    }

    private func stamp(_ actor: Actor) -> String {
        let assets = actor.assets.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let settings = config.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return (assets + ["/"] + world.ruled.sorted() + ["/"] + settings).joined(separator: " ")
    }

    private func lacking(_ verb: BackendVerb) -> Outcome {
        Outcome(
            status: "unsupported",
            reason: "backend \"\(subject.description.name)\" has no \(verb.rawValue)"
        )
    }

    private static func table(_ bytes: [UInt8]) -> PluginValue {
        guard !bytes.isEmpty, let value = try? ValueCodec.decode(bytes) else { return .map([:]) }
        return value
    }

    /// What is wrong with settings; nil when a host would start with them.
    func refusal(ofSettings given: [String: String]) -> String? {
        do throws(HostError) {
            _ = try subject.backend(world: world, config: given, observer: trace, sink: mistakes)
            return nil
        } catch { return error.message }
    }

    // MARK: Actors

    /// Runs a program beside the actor's to its end.
    func exec(_ number: Int, _ asked: ExecRequest) -> Answered {
        let actor = actors[number]
        guard actor.isLive else {
            return (Outcome(status: "not_running", reason: "only a ready actor takes programs"), .null)
        }
        if has(.exec) {
            do throws(HostError) { try Admission.refuse(probe(actor), verb: .exec) } catch {
                return (refusal(error), .null)
            }
        }
        var request = VerbRequest()
        request.exec = asked
        // Nobody reads or writes them: what a program prints is what its rule says.
        request.client = ClientStreams(input: -1, output: -1, errors: -1, isTerminal: asked.hasTerminal)
        let (outcome, _) = perform(.exec, actor, request)
        guard outcome.status == "ok", let client else { return (outcome, .null) }
        if let end = client.pendingEnd {
            world.advance(to: end)
            client.finish()
        }
        var fields: [String: PluginValue] = [
            "stdout": .text(client.output.stdout), "stderr": .text(client.output.stderr),
        ]
        switch client.status {
        case .exited(let code)?: fields["code"] = .integer(Int64(code))
        case .signaled(let signal)?: fields["signal"] = .integer(Int64(signal))
        case nil: break
        }
        return (.ok, .map(fields))
    }

    /// What an actor uses: the script's figures, or the number of its programs.
    func stats(_ number: Int) -> Answered {
        let actor = actors[number]
        guard actor.isLive else {
            return (Outcome(status: "not_running", reason: "only a ready actor uses anything"), .null)
        }
        do throws(HostError) {
            guard has(.stats), try probe(actor).without[BackendVerb.stats.rawValue] == nil else {
                let count = Int64(world.running(in: actor.directory).count)
                return (.ok, .map(["pids": .integer(count), "source": .text("cgroup")]))
            }
        } catch { return (refusal(error), .null) }
        var request = VerbRequest()
        request.timeoutMilliseconds = 5_000
        let (outcome, answer) = perform(.stats, actor, request)
        guard let counted = answer?.statistics else { return (outcome, .null) }
        return (
            .ok,
            .map([
                "memory_bytes": .integer(counted.memoryBytes ?? 0), "cpu_ns": .integer(counted.cpuNanoseconds ?? 0),
                "pids": .integer(counted.pids ?? 0), "source": .text("backend"),
            ])
        )
    }

    /// The host went away and came back; meanwhile some of the actor's programs ended.
    ///
    /// - Parameters:
    ///   - number: the actor.
    ///   - gone: names of its kept programs.
    /// - Returns: `ok` it lives, `not_running` it is torn down, anything else: to be asked again.
    func recover(_ number: Int, gone: [String]) -> Outcome {
        guard actors[number].isLive else {
            return Outcome(status: "not_running", reason: "the actor was not ready when the host went away")
        }
        for process in actors[number].processes where gone.contains(process.name) {
            world.program(process.pid)?.signal(9)
        }
        let containers = actors[number].containers.map(\.name)
        let lost = gone.filter(containers.contains)
        let alive = actors[number].processes.filter { world.program($0.pid)?.hasExited() == false }
        // A container's program is the host's own: when that is gone, nobody needs to be asked.
        guard lost.isEmpty, has(.recover) || !alive.isEmpty else {
            teardown(number)
            return Outcome(status: "not_running", reason: "its programs were gone when the host came back")
        }
        actors[number].processes = alive
        guard has(.recover) else { return .ok }
        var request = VerbRequest()
        request.timeoutMilliseconds = 5_000
        let (outcome, answer) = perform(.recover, actors[number], request)
        if let answer {
            if let state = answer.state { actors[number].state = state }
            noteSecrets(actors[number])
        } else if outcome.status == "not_running" {
            teardown(number)
        }
        return outcome
    }
}
