import PluginAuthoring
import PluginCommands
import PluginHost

/// The command line of `plugin test`.
struct TestOptions {
    /// How results are written.
    enum Form {
        case people, json, tap
    }

    let path: String
    let only: Int?
    let trace: Bool
    let real: Bool
    let form: Form
    let junit: String?
    let overlays: [String]
    /// What the backend has on this machine, beside what it has unasked.
    let grants: [OperatorGrant]

    /// Reads the words after `test`.
    ///
    /// - Throws: the first value that is none.
    init(_ arguments: PluginArguments) throws(PluginArguments.Mistake) {
        path = arguments.operands.first ?? ""
        only = arguments.value("only").flatMap(Int.init)
        trace = arguments.has("trace")
        real = arguments.has("real")
        form = arguments.json ? .json : arguments.has("tap") ? .tap : .people
        junit = arguments.value("junit")
        overlays = arguments.list("overlay")
        grants = try arguments.grants()
        guard only ?? (arguments.has("only") ? 0 : 1) > 0 else {
            throw PluginArguments.Mistake("--only needs the number of a test, from 1")
        }
        guard real || grants.isEmpty else {
            throw PluginArguments.Mistake("--grant is for --real: without it a tool is given by t:program")
        }
    }
}
