public import LuaEngine
import PluginProtocol

/// The life of one supervisor: load a script, describe it, run at most one verb.
public final class Supervisor {
    /// What a verb may spend.
    public struct Budget: Sendable {
        /// Instructions of loading and the verb together.
        public var instructions: Int64 = 10_000_000
        /// Bytes that Lua may hold.
        public var memory = 32 << 20
        /// The defaults.
        public init() {}
    }

    private let channel: any SupervisorChannel
    private var verb = ""
    private var needs: [String] = []

    /// Makes one.
    ///
    /// - Parameter channel: the line to the host.
    public init(channel: any SupervisorChannel) { self.channel = channel }

    /// Serves until the verb is answered; does not return.
    ///
    /// - Parameters:
    ///   - budget: what the verb may spend.
    ///   - descriptor: the socket, on which a trap is written.
    public func serve(budget: Budget, descriptor: CInt) -> Never {
        serveOnce(budget: budget, descriptor: descriptor)
        channel.end()
    }

    private func serveOnce(budget: Budget, descriptor: CInt) {
        var libraries: [(name: String, source: [UInt8])] = []
        var first = channel.receive()
        while case .library(let name, let source) = first {
            libraries.append((name, source))
            first = channel.receive()
        }
        guard case .load(let name, let file, let source) = first else { channel.end() }
        let state = LuaState(
            memory: budget.memory,
            instructions: budget.instructions,
            descriptor: descriptor,
            host: self
        )
        for library in libraries { state.addLibrary(library.name, library.source) }
        state.setFile(file)
        state.setSubject("load \(name)")
        let loaded = decoded(state.load(source), state)
        do {
            let checked = try DescriptorCheck.check(loaded, name: name, file: file)
            needs = checked.needs
            channel.send(.descriptor(checked.descriptor))
        } catch {
            state.trap("load.shape", error.message, expected: error.expected, mend: error.mend)
        }
        guard case .verb(let verb, let actor, let request, let functions, _) = channel.receive() else { channel.end() }
        run(verb, actor, request, granted: functions, on: state)
    }

    private func run(
        _ verb: String,
        _ actor: PluginValue,
        _ request: PluginValue,
        granted: [String],
        on state: LuaState
    ) {
        self.verb = verb
        state.setSubject("verb \(verb)\(Self.actorName(actor))")
        for (index, row) in HostFunction.table.enumerated() {
            guard needs.contains(row.name), granted.contains(row.name) || granted.contains(row.versionedName) else {
                continue
            }
            state.bind(row.name, row: UInt32(index))
        }
        let answer = state.run(verb, actor: ValueCodec.encode(actor), request: ValueCodec.encode(request))
        let status = String(decoding: answer.status, as: UTF8.self)
        do {
            let result = try AnswerCheck.check(status, decoded(answer.result, state), verb: verb)
            channel.send(.answer(status: status, result: result))
        } catch {
            state.trap("verb.result", error.message, expected: error.expected, mend: error.mend)
        }
    }

    /// What our own encoder in C wrote; that it does not decode is a trap rather than a crash.
    private func decoded(_ bytes: [UInt8], _ state: LuaState) -> PluginValue {
        do {
            return try ValueCodec.decode(bytes)
        } catch {
            state.trap("api.limit", "a value cannot be sent: \(error)")
        }
    }

    private static func actorName(_ actor: PluginValue) -> String {
        guard case .map(let pairs) = actor, case .text(let name)? = pairs["name"] else { return "" }
        return " actor \(name)"
    }
}

extension Supervisor: LuaHost {
    /// Checks the arguments against the row, asks the host and waits.
    public func call(row: UInt32, arguments: [UInt8], line: UInt32, state: borrowing LuaTrap) -> LuaReply {
        let function = HostFunction.table[Int(row)]
        let name = function.versionedName
        guard function.verbs.contains(verb) else {
            state(
                "api.name",
                "\(function.name) cannot be called in \(verb)",
                expected: function.verbs.sorted().joined(separator: ", "),
                got: verb,
                function: name
            )
        }
        let checked: PluginValue
        do {
            guard case .list(let values) = try ValueCodec.decode(arguments) else { throw FrameError.truncated }
            checked = try ArgumentCheck.check(values, of: function)
        } catch let fault as ArgumentFault {
            state(
                fault.code,
                fault.message,
                expected: fault.expected,
                got: fault.got,
                mend: fault.mend,
                function: name
            )
        } catch {
            state("api.limit", "\(function.name): the arguments cannot be sent: \(error)", function: name)
        }
        channel.send(.call(function: name, arguments: checked, line: line))
        guard case .reply(let reply) = channel.receive() else { channel.end() }
        return LuaReply(status: reply.status, values: ValueCodec.encode(.list(reply.values)))
    }

    /// Sends the line.
    public func log(_ text: [UInt8], line: UInt32) {
        let clean = String(decoding: text, as: UTF8.self).split(separator: "\0", omittingEmptySubsequences: false)
        channel.send(.log(text: clean.joined(separator: "?"), line: line))
    }

    /// Sends the status that `try` found as the verb's answer.
    public func finish(status: [UInt8], value: [UInt8], state: borrowing LuaTrap) -> Never {
        let status = String(decoding: status, as: UTF8.self)
        do {
            let result = try AnswerCheck.check(status, try ValueCodec.decode(value), verb: verb)
            channel.send(.answer(status: status, result: result))
        } catch let fault as AnswerCheck.Fault {
            state("verb.result", fault.message, expected: fault.expected, mend: fault.mend)
        } catch {
            state("verb.result", "the reason cannot be sent: \(error)")
        }
        channel.end()
    }

    /// Says which of the two mistakes it is: no such function, or not in `needs`.
    public func missing(_ name: String, state: borrowing LuaTrap) -> Never {
        let names = HostFunction.table.map(\.name)
        if names.contains(name) {
            if needs.contains(name) { state("api.name", "host.\(name) was not granted in this verb") }
            state("api.name", "host.\(name) is not in needs", mend: "add \"\(name)\" to needs")
        }
        let modules = Set(names.compactMap { $0.split(separator: ".").first.map(String.init) })
        if modules.contains(name) {
            state("api.name", "no function of host.\(name) is in needs", mend: "add it to needs, such as \"\(name).…\"")
        }
        let near = Nearest.name(to: name, among: name.contains(".") ? names : modules.sorted())
        state(
            "api.name",
            "host.\(name) does not exist",
            mend: near.map { "did you mean host.\($0)? it also belongs in needs" } ?? ""
        )
    }
}
