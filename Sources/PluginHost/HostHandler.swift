import PluginProtocol

/// Arguments of one function, read from fields that were checked against the row and filled with its defaults.
protocol HostArguments: SendableMetatype {
    init(_ fields: CheckedFields)
}

/// What stands behind a row.
///
/// One type a function, in a file of its own in `Functions`; `HostFunctions.all` lists them.
protocol HostHandler: SendableMetatype {
    associatedtype Arguments: HostArguments
    /// The row that it serves.
    static var row: HostFunction { get }
    /// What the journal says that a call is about; only asked where the row is journalled, and nil for a mere look.
    static func target(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> String?
    /// Does it.
    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply
}

extension HostHandler {
    static func target(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> String? { nil }
}

/// Fields that were checked: the accessors answer what a checked field of that kind holds.
struct CheckedFields {
    private let fields: [String: PluginValue]
    init(_ fields: [String: PluginValue]) { self.fields = fields }

    /// The value itself; null when it is absent.
    func value(_ name: String) -> PluginValue { fields[name] ?? .null }

    /// A text; empty when it is absent.
    func text(_ name: String) -> String {
        if case .text(let text)? = fields[name] { text } else { "" }
    }

    /// Any bytes, whichever way they crossed; nil when they are absent.
    func bytes(_ name: String) -> [UInt8]? {
        switch fields[name] {
        case .text(let text): Array(text.utf8)
        case .bytes(let raw): raw
        default: nil
        }
    }

    /// An integer; nil when it is absent.
    func integer(_ name: String) -> Int64? {
        if case .integer(let number)? = fields[name] { number } else { nil }
    }

    /// Integers; empty when they are absent.
    func integers(_ name: String) -> [Int64] {
        guard case .list(let items)? = fields[name] else { return [] }
        return items.compactMap { if case .integer(let number) = $0 { number } else { nil } }
    }

    /// Texts; empty when they are absent.
    func texts(_ name: String) -> [String] {
        guard case .list(let items)? = fields[name] else { return [] }
        return items.compactMap { if case .text(let text) = $0 { text } else { nil } }
    }

    /// A handle, or a list of them.
    func handles(_ name: String) -> [PluginHandle] {
        switch fields[name] {
        case .handle(let handle): [handle]
        case .list(let items): items.compactMap { if case .handle(let handle) = $0 { handle } else { nil } }
        default: []
        }
    }

    /// A map of texts; nil when it is absent.
    func map(_ name: String) -> [String: String]? {
        guard case .map(let pairs)? = fields[name] else { return nil }
        return pairs.compactMapValues { if case .text(let text) = $0 { text } else { nil } }
    }

    /// True or false; false when it is absent.
    func flag(_ name: String) -> Bool { fields[name] == .boolean(true) }
}

/// A handler without its types, as the broker calls it.
package struct BoundHandler: Sendable {
    /// The row that it serves.
    let row: HostFunction
    /// Reads the arguments, and gives the target and the deed.
    let prepare: @Sendable (CheckedFields, HostCall) throws(HostFailure) -> Prepared

    /// One call, decoded: what it is about, and how it is done.
    struct Prepared {
        let target: String?
        let perform: () throws(HostFailure) -> HostReply
    }

    init<Handler: HostHandler>(_ handler: Handler.Type) {
        row = handler.row
        prepare = { (fields, call) throws(HostFailure) in
            let arguments = Handler.Arguments(fields)
            let target = call.row.effect == .journalled ? try handler.target(arguments, call) : nil
            return Prepared(target: target) { () throws(HostFailure) in try handler.answer(arguments, call) }
        }
    }
}

/// The handlers that this host has: a row without one is not served.
package enum HostFunctions {
    /// One line a function.
    package static var all: [BoundHandler] {
        [
            BoundHandler(StartWorkload.self),
            BoundHandler(EnterWorkload.self),
            BoundHandler(RunProgram.self),
            BoundHandler(StartProgram.self),
            BoundHandler(AdoptProgram.self),
            BoundHandler(WaitForProcesses.self),
            BoundHandler(StopProcesses.self),
            BoundHandler(WriteBundle.self),
            BoundHandler(WriteFile.self),
            BoundHandler(RequestHTTP.self),
            BoundHandler(OpenAsset.self),
            BoundHandler(ReadAsset.self),
            BoundHandler(CloseAsset.self),
            BoundHandler(LoadAsset.self),
            BoundHandler(StateOfAsset.self),
            BoundHandler(CommitAsset.self),
            BoundHandler(CancelAsset.self),
            BoundHandler(LeftOnClock.self),
            BoundHandler(SleepOnClock.self),
        ]
    }

    /// The rows that have a handler.
    static var served: [HostFunction] { all.map(\.row) }
}
