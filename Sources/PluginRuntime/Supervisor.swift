public import LuaEngine
import PluginProtocol

/// The life of one supervisor: load a script, describe it, run at most one verb.
public final class Supervisor {
    /// What loading and a verb may spend, each for itself.
    public struct Budget: Sendable {
        /// Instructions of a verb.
        public var instructions: Int64 = 10_000_000
        /// Bytes that Lua may hold in a verb.
        public var memory = 32 << 20
        /// Bytes that Lua may hold while a file loads.
        public var loadMemory = 8 << 20
        /// Processor time of loading.
        public var loadMilliseconds: Int64 = 50
        /// The defaults.
        public init() {}
    }

    private let channel: any SupervisorChannel
    /// Whether the file that it loads holds an author's tests.
    private let isTests: Bool
    private var verb = ""
    private var needs: [String] = []
    private var network = ""
    private var source: SourceText
    /// What may be run: path → name in Lua.
    private var programs: [String: String] = [:]
    private var mayHold = false

    /// Makes one.
    ///
    /// - Parameters:
    ///   - channel: the line to the host.
    ///   - tests: whether the file that it loads holds an author's tests: their functions are then `TestFunction.table`.
    public init(channel: any SupervisorChannel, tests: Bool = false) {
        self.channel = channel
        isTests = tests
        source = SourceText([])
    }

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
        guard case .load(let name, let file, let bytes) = first else { channel.end() }
        let state = LuaState(
            memory: budget.loadMemory,
            instructions: budget.instructions,
            descriptor: descriptor,
            host: self
        )
        for library in libraries { state.addLibrary(library.name, library.source) }
        state.setFile(file)
        state.setSubject("load \(name)")
        source = SourceText(bytes)
        state.limit(
            memory: budget.loadMemory,
            instructions: budget.instructions,
            loadMilliseconds: budget.loadMilliseconds
        )
        if isTests { return serveTest(bytes, budget, state) }
        let loaded = decoded(state.load(bytes), state)
        do {
            var descriptor = try PluginDescriptor(loaded, name: name, file: file)
            needs = descriptor.needs
            network = descriptor.network
            // A module may be the one that calls.
            let whole = SourceText(libraries.reduce(into: bytes) { $0 += [0x0a] + $1.source })
            descriptor.warnings = whole.uncalled(needs).map { "needs lists \"\($0)\" but nothing calls it" }
            channel.send(.descriptor(descriptor.encoded(loaded)))
        } catch {
            state.setLine(source.line(of: error.field) ?? 0)
            state.trap("load.shape", error.text)
        }
        guard case .verb(let verb, let actor, let request, let functions, _) = channel.receive() else { channel.end() }
        state.limit(memory: budget.memory, instructions: budget.instructions)
        run(verb, actor, request, granted: functions, on: state)
    }

    /// Says which tests there are, and runs one of them at most.
    private func serveTest(_ bytes: [UInt8], _ budget: Budget, _ state: LuaState) {
        state.setTests()
        channel.send(.descriptor(decoded(state.load(bytes), state)))
        guard case .verb(let number, let root, _, _, _) = channel.receive() else { channel.end() }
        state.limit(memory: budget.memory, instructions: budget.instructions)
        state.setSubject("test \(number)")
        for (index, row) in TestFunction.table.enumerated() {
            state.bindMethod(
                of: row.object.name,
                generation: row.object.rawValue,
                row.method,
                row: UInt32(index),
                isProperty: row.isProperty
            )
        }
        _ = state.run(number, actor: ValueCodec.encode(root), request: ValueCodec.encode(.null))
        channel.send(.answer(status: "ok", result: .null))
    }

    private func run(
        _ verb: String,
        _ actor: PluginValue,
        _ request: PluginValue,
        granted: [String],
        on state: LuaState
    ) {
        self.verb = verb
        programs = Self.programs(of: actor)
        if case .map(let fields) = request { mayHold = fields["may_hold"] == .boolean(true) }
        state.setSubject("verb \(verb)\(Self.actorName(actor))")
        // Every module is there, so that a function that is not says its whole name.
        for module in HostFunction.modules { state.bind(module) }
        for (index, row) in HostFunction.table.enumerated() {
            guard needs.contains(row.name), granted.contains(row.name) || granted.contains(row.versionedName) else {
                continue
            }
            let isRecord = if case .record = row.arguments { true } else { false }
            state.bind(row.name, row: UInt32(index), record: isRecord)
        }
        let answer = state.run(verb, actor: ValueCodec.encode(actor), request: ValueCodec.encode(request))
        let status = String(decoding: answer.status, as: UTF8.self)
        do {
            let result = decoded(answer.result, state)
            channel.send(.answer(status: status, result: try checked(status, result)))
        } catch {
            state.trap(error.code, error.message, expected: error.expected, got: error.got, mend: error.mend)
        }
    }

    private func checked(_ status: String, _ result: PluginValue) throws(ArgumentFault) -> PluginValue {
        try AnswerCheck.check(status, result, verb: verb, network: network, mayHold: mayHold)
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

    private static func programs(of actor: PluginValue) -> [String: String] {
        guard case .map(let pairs) = actor else { return [:] }
        var programs: [String: String] = [:]
        for kind in ["assets", "tools"] {
            guard case .map(let paths)? = pairs[kind] else { continue }
            for case (let name, .text(let path)) in paths { programs[path] = "actor.\(kind).\(name)" }
        }
        return programs
    }
}

extension Supervisor: LuaHost {
    /// Checks the arguments against the row, asks the host and waits.
    public func call(row: UInt32, arguments: [UInt8], line: UInt32, state: borrowing LuaTrap) -> LuaReply {
        let function = isTests ? TestFunction.table[Int(row)].signature : HostFunction.table[Int(row)]
        let name = isTests ? function.name : function.versionedName
        guard isTests || function.verbs.contains(verb) else {
            state(
                "api.name",
                "\(function.name) cannot be called in \(verb)",
                expected: function.verbs.joined(separator: ", "),
                got: verb,
                mend: function.elsewhere,
                function: name
            )
        }
        let checked: PluginValue
        do {
            guard case .list(let values) = try ValueCodec.decode(arguments) else { throw FrameError.truncated }
            checked = try ArgumentCheck(function, programs: programs).check(values)
        } catch let fault as ArgumentFault {
            trap(fault, name, state)
        } catch {
            state("api.limit", "\(function.name): the arguments cannot be sent: \(error)", function: name)
        }
        channel.send(.call(function: name, arguments: checked, line: line))
        switch channel.receive() {
        case .reply(let reply): return LuaReply(status: reply.status, values: ValueCodec.encode(.list(reply.values)))
        case .mistake(let fault): trap(fault, name, state)
        case .load, .verb, .library: channel.end()
        }
    }

    private func trap(_ fault: ArgumentFault, _ function: String, _ state: borrowing LuaTrap) -> Never {
        state(
            fault.code,
            fault.message,
            expected: fault.expected,
            got: fault.got,
            mend: fault.mend,
            function: function
        )
    }

    /// Tells the host, and waits until it is done: what comes after may need the program gone.
    public func release(index: UInt32, generation: UInt32, line: UInt32) {
        channel.send(.release(PluginHandle(index: index, generation: generation), line: line))
        guard case .reply = channel.receive() else { channel.end() }
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
            let value = try ValueCodec.decode(value)
            if isTests {
                channel.send(.answer(status: status, result: value))
                channel.end()
            }
            channel.send(.answer(status: status, result: try checked(status, value)))
        } catch let fault as ArgumentFault {
            trap(fault, "", state)
        } catch {
            state("verb.result", "the reason cannot be sent: \(error)")
        }
        channel.end()
    }

    /// Dresses one of Lua's own errors: what it names is looked for among the names that exist.
    public func uncaught(_ message: String, state: borrowing LuaTrap) -> Never {
        let clean = message.split(separator: "\0", omittingEmptySubsequences: false).joined(separator: "?")
        state("script.error", clean, mend: LuaNames.mend(clean))
    }

    /// Says which of the mistakes it is: no such function, not in `needs`, or not served.
    public func missing(_ name: String, state: borrowing LuaTrap) -> Never {
        if isTests {
            let names = TestFunction.table.map(\.signature.name)
            let object = name.prefix { $0 != "." }
            let own = names.filter { $0.hasPrefix("\(object).") }
            state(
                "api.name",
                "\(name) does not exist",
                expected: own.joined(separator: ", "),
                mend: Nearest.mend(name, among: own)
            )
        }
        let place = source.line(of: "needs").map { " (line \($0))" }
        let needsLine = place ?? ""
        guard let row = HostFunction.named(name) else {
            let names = name.contains(".") ? HostFunction.table.map(\.name) : HostFunction.modules
            guard let near = Nearest.name(to: name, among: names) else {
                state("api.name", "host.\(name) does not exist")
            }
            let also = !near.contains(".") || needs.contains(near) ? "" : " it also belongs in needs\(needsLine)"
            state("api.name", "host.\(name) does not exist", mend: "did you mean host.\(near)?\(also)")
        }
        if needs.contains(row.name) {
            state("api.name", "host.\(row.name) is not served here", mend: "update substrate-host")
        }
        state(
            "api.name",
            "host.\(row.name) is not in needs",
            mend: place == nil
                ? "add needs = { \"\(row.name)\" } to the returned table; plugin check --fix does it"
                : "add \"\(row.name)\" to needs\(needsLine); plugin check --fix does it"
        )
    }
}
