import ActorContract
import PluginProtocol

/// What a test may do with the verbs that a backend may lack, and with sockets.
extension TestCase {
    /// A verb that answers more than its status.
    func answered(_ name: String, _ answer: FakeHost.Answered, _ line: UInt32) -> TestReply {
        verb(name, answer.outcome, line, then: answer.value)
    }

    func optional(_ method: String, _ number: Int, _ how: TestFields, _ line: UInt32) -> TestReply {
        let actor = host.actors[number]
        switch method {
        case "exec":
            let request: ExecRequest
            switch execRequest(number, how) {
            case .success(let asked): request = asked
            case .failure(let wrong): return .fails(wrong.text)
            }
            return answered(method, host.exec(number, request), line)
        case "stats": return answered(method, host.stats(number), line)
        default:
            let gone = how.texts("gone")
            let known = actor.processes.map(\.name)
            if let unknown = gone.first(where: { !known.contains($0) }) {
                let names = known.isEmpty ? "nothing" : known.sorted().joined(separator: ", ")
                return .fails("the actor keeps no program \"\(unknown)\"; it keeps: \(names)")
            }
            return verb(method, host.recover(number, gone: gone), line)
        }
    }

    /// Why a test goes no further.
    struct Wrong: Error { let text: String }

    /// What an actor is asked to execute; without a container's name it is the first one.
    func execRequest(_ number: Int, _ how: TestFields) -> Result<ExecRequest, Wrong> {
        let names = host.actors[number].containers.map(\.name)
        let container = how.text("container")
        guard container.isEmpty || names.contains(container) else {
            return .failure(
                Wrong(text: "the actor has no container \"\(container)\"; it has: \(names.joined(separator: ", "))")
            )
        }
        return .success(
            ExecRequest(
                container: container.isEmpty ? names.first ?? "" : container,
                command: how.texts("command"),
                environment: how.map("env").mapValues { String(decoding: TestFields.bytes($0), as: UTF8.self) },
                hasTerminal: how.value("tty") == .boolean(true)
            )
        )
    }

    /// What the operator wrote, checked as a host checks it when it starts.
    func config(_ fields: TestFields) -> TestReply {
        var given: [String: String] = [:]
        for (name, value) in fields.map("settings") {
            switch value {
            case .text(let text): given[name] = text
            case .integer(let number): given[name] = "\(number)"
            case .boolean(let flag): given[name] = "\(flag)"
            default:
                return .mistake(
                    ArgumentFault(
                        message: "t.config: \(name) is \(LuaText.of(value))",
                        expected: "a string, an integer, true or false"
                    )
                )
            }
        }
        if let wrong = host.refusal(ofSettings: given) { return .fails(wrong) }
        host.config = given
        return .values([])
    }

    func http(_ fields: TestFields) -> TestReply {
        var rules: [SocketRule] = []
        for (index, value) in fields.list("rules").enumerated() {
            do throws(ArgumentFault) {
                rules.append(try SocketRule(value, place: "rules[\(index + 1)]"))
            } catch { return .mistake(error) }
        }
        let after = TestFields(fields.map("how")).integer("after_ms") ?? 0
        host.world.setSocket(FakeSocket(rules: rules, afterMilliseconds: after), named: fields.text("socket"))
        return .values([])
    }
}
