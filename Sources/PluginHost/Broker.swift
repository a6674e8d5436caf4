import ActorContract
import HostErrors
import PluginProtocol
import Telemetry

/// Answers the host calls of one verb: finds the row, checks everything again, journals, asks the handler.
///
/// Used by the verb's thread alone. A supervisor is not trusted: what its own checks should have refused ends it.
final class Broker {
    let context: VerbContext
    private let needs: Set<String>
    private let handlers: [String: BoundHandler]
    private let observer: (any CallObserver)?
    /// What the last call that failed was answered.
    private(set) var refusal: (status: String, reason: String)?

    /// Makes the broker of a verb.
    ///
    /// - Parameters:
    ///   - context: what the verb is given.
    ///   - needs: the functions that the script may call.
    ///   - handlers: what stands behind the rows.
    ///   - observer: told of every call.
    init(
        _ context: VerbContext,
        needs: [String],
        handlers: [BoundHandler] = HostFunctions.all,
        observer: (any CallObserver)? = nil
    ) {
        self.observer = observer
        self.context = context
        self.needs = Set(needs)
        self.handlers = Dictionary(handlers.map { ($0.row.versionedName, $0) }, uniquingKeysWith: { $1 })
    }

    /// The functions that the verb's script gets: needed, granted and served.
    var functions: [String] {
        handlers.values.map(\.row).filter { needs.contains($0.name) && context.grants.allows(anyOf: $0.anyOf) }
            .map(\.versionedName).sorted()
    }

    /// Answers one call.
    ///
    /// - Parameters:
    ///   - function: `module.function@version`.
    ///   - arguments: a map.
    ///   - line: the script's.
    /// - Returns: the frame to send back.
    /// - Throws: when the supervisor is not believed any further.
    func answer(_ function: String, _ arguments: PluginValue, line: UInt32) throws(HostError) -> HostFrame {
        guard let handler = handlers[function] else {
            throw HostError(.internal, .plugin, "plugin protocol: unknown function \(function.prefix(100))")
        }
        let row = handler.row
        guard needs.contains(row.name), context.grants.allows(anyOf: row.anyOf) else {
            throw HostError(
                .internal,
                .notGranted,
                "\(context.file): \(function) was called (line \(context.place.label(line))) and is not in needs or not granted"
            )
        }
        guard row.verbs.contains(context.verb) else {
            throw HostError(.internal, .notGranted, "\(row.name) cannot be called in \(context.verb)")
        }
        let fields: [String: PluginValue]
        do throws(ArgumentFault) {
            fields = try ArgumentCheck(row, programs: row.takesProgram ? context.programs : [:]).complete(arguments)
        } catch {
            throw HostError(.internal, .plugin, "plugin protocol: \(error.message)")
        }
        do throws(HostFailure) {
            let call = HostCall(context: context, row: row, line: line)
            let prepared = try handler.prepare(CheckedFields(fields), call)
            let reply = try perform(observed(prepared, call), row)
            if let failure = context.keptFailure { throw .fatal(failure) }
            return .reply(try frame(reply, row))
        } catch {
            switch error {
            case .mistake(let fault): return .mistake(fault)
            case .fatal(let error): throw error
            }
        }
    }

    /// A block of the script's was left whose variable held this handle.
    ///
    /// The program ends unless it outlives the verb; the handle is closed either way. A closed one stays closed: the
    /// script waited for it inside the block.
    /// - Parameters:
    ///   - handle: as the supervisor says.
    ///   - line: the script's.
    /// - Returns: the frame to send back.
    /// - Throws: for a handle that this verb never had.
    func release(_ handle: PluginHandle, line: UInt32) throws(HostError) -> HostFrame {
        if handle.isAsset {
            let place = PluginHandle(index: handle.index & ~PluginHandle.assetMark, generation: handle.generation)
            if case .unknown = context.assets.find(place) {
                throw HostError(.internal, .plugin, "plugin protocol: a handle that this verb never had")
            }
            context.close(asset: handle, line: line)
            return .reply(ReplyFrame(status: "", values: []))
        }
        switch context.processes.find(handle) {
        case .closed: break
        case .unknown: throw HostError(.internal, .plugin, "plugin protocol: a handle that this verb never had")
        case .live(let process):
            if process.kept == nil {
                _ = ProgramTime.wait {
                    ProcessStop.perform(
                        [process],
                        graceMilliseconds: 0,
                        deadline: context.world.now(),
                        world: context.world
                    )
                }
            }
            context.processes.close(handle, line: line)
        }
        return .reply(ReplyFrame(status: "", values: []))
    }

    /// The call, with who watches told before and after.
    private func observed(_ prepared: BoundHandler.Prepared, _ call: HostCall) -> BoundHandler.Prepared {
        guard let observer else { return prepared }
        let seen = ObservedCall(
            function: call.row.name,
            target: prepared.target,
            line: call.line,
            verb: context.verb
        )
        return BoundHandler.Prepared(target: prepared.target) { () throws(HostFailure) in
            let forced = observer.begin(seen)
            let reply =
                if let forced { HostReply.refused(forced.status, forced.reason) } else { try prepared.perform() }
            observer.finish(seen, status: reply.status)
            return reply
        }
    }

    private func perform(_ prepared: BoundHandler.Prepared, _ row: HostFunction) throws(HostFailure) -> HostReply {
        guard let target = prepared.target else { return try prepared.perform() }
        if context.cancellation.isCancelled { return .refused(.cancelled, "the verb was cancelled") }
        let number = try journal { () throws(HostError) in try context.effects.begin(row.name, target: target)
        }
        do throws(HostFailure) {
            let reply = try prepared.perform()
            try journal { () throws(HostError) in
                try context.effects.finish(number, outcome: reply.status.rawValue, process: reply.process)
            }
            return reply
        } catch {
            if case .mistake(let fault) = error {
                try journal { () throws(HostError) in
                    try context.effects.finish(number, outcome: fault.code, process: nil)
                }
            }
            throw error
        }
    }

    private func journal<Value>(_ write: () throws(HostError) -> Value) throws(HostFailure) -> Value {
        do throws(HostError) { return try write() } catch { throw .fatal(error) }
    }

    /// A reply that its row does not allow is a bug of this host, said loudly.
    private func frame(_ reply: HostReply, _ row: HostFunction) throws(HostFailure) -> ReplyFrame {
        guard row.statuses.contains(reply.status), reply.status != .ok || row.answers.fits(reply.values) else {
            throw .fatal(
                HostError(
                    .internal,
                    nil,
                    "this host's \(row.versionedName) answered \"\(reply.status.rawValue)\" in a shape that its row does not have; this is a bug of the host"
                )
            )
        }
        if reply.status != .ok {
            let reason: String = if case .text(let text)? = reply.values.first { text } else { "" }
            refusal = (reply.status.rawValue, reason)
        }
        return ReplyFrame(status: row.answers.isInfallible ? "" : reply.status.rawValue, values: reply.values)
    }
}
