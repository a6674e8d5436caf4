import PluginProtocol

/// Compares what a file returned with the fields of a backend.
///
/// - Source: the plugin language's descriptor table, api 1.
struct DescriptorCheck {
    /// What is wrong, for `load.shape`.
    struct Fault: Error {
        var message: String
        var expected = ""
        var mend = ""
    }

    static let verbs = ["run", "stop", "checkpoint", "restore", "prepare", "recover", "exec", "stats", "probe"]
    private static let isolations = ["none", "kernel-shared", "user-space-kernel", "virtual-machine", "remote"]
    private static let fields =
        verbs + [
            "name", "api", "isolation", "summary", "scopes", "enforces", "needs", "assets", "tools", "network", "image",
            "config", "devices", "outside", "classes",
        ]
    /// How the bridge encodes a function of the descriptor.
    private static let function = PluginValue.handle(PluginHandle(index: .max, generation: .max))

    /// The descriptor that the host gets: functions gone, their names under `verbs`.
    ///
    /// - Parameters:
    ///   - value: what the file returned.
    ///   - name: the backend's name, which is the file's.
    ///   - file: for messages.
    /// - Returns: the map, and the names in `needs`.
    /// - Throws: the first mistake.
    static func check(
        _ value: PluginValue,
        name: String,
        file: String
    ) throws(Fault) -> (descriptor: PluginValue, needs: [String]) {
        guard case .map(var pairs) = value else {
            throw Fault(message: "the file returned a list, not a table of fields")
        }
        for key in pairs.keys.sorted() where !fields.contains(key) {
            throw Fault(message: "\(key) is not a field of a backend", mend: Nearest.mend(key, among: fields))
        }
        let present = verbs.filter { pairs[$0] != nil }
        for verb in present {
            guard pairs[verb] == function else {
                throw Fault(message: "\(verb) is \(ArgumentCheck.describe(pairs[verb] ?? .null)), not a function")
            }
            pairs[verb] = nil
        }
        for key in pairs.keys.sorted() where pairs[key] == function {
            throw Fault(message: "\(key) is a function")
        }
        try identity(pairs, name: name, file: file)
        try verbsFit(present, pairs)
        let needs = try needs(pairs["needs"])
        pairs["verbs"] = .list(present.map { .text($0) })
        return (.map(pairs), needs)
    }

    private static func identity(_ pairs: [String: PluginValue], name: String, file: String) throws(Fault) {
        guard case .text(let own)? = pairs["name"] else {
            throw Fault(message: "name is missing", mend: "write name = \"\(name)\"")
        }
        guard own == name else {
            throw Fault(message: "name is \"\(own)\", the backend is \(name): they must be equal, in lower case")
        }
        switch pairs["api"] {
        case .integer(1): break
        case .integer(let other):
            throw Fault(message: "api = \(other): this host serves 1", mend: "update substrate-host")
        default: throw Fault(message: "api is missing; write api = 1 (this host serves 1)")
        }
        guard let isolation = pairs["isolation"] else {
            throw Fault(
                message: "isolation is missing: say what stands between the actor and this machine",
                expected: isolations.joined(separator: ", ")
            )
        }
        try one(isolation, of: isolations, "isolation")
        if let network = pairs["network"] { try one(network, of: ["namespace", "tap", "backend", "none"], "network") }
        if let image = pairs["image"] { try one(image, of: ["directory", "none"], "image") }
        if let summary = pairs["summary"] {
            guard case .text(let text) = summary else { throw Fault(message: "summary is not text") }
            guard text.count <= 120 else { throw Fault(message: "summary has \(text.count) characters, 120 fit") }
        }
        try each(pairs["scopes"], of: ["full", "data"], "scopes")
        try each(pairs["enforces"], of: ["cpu", "memory", "pids"], "enforces")
        for (index, item) in try list(pairs["classes"], "classes").enumerated() {
            guard case .text(let text) = item, isName(text) else {
                throw Fault(message: "classes[\(index + 1)] is no name: small letters, digits and -")
            }
        }
        for key in ["assets", "tools", "devices"] { try presence(pairs[key], key) }
        if let outside = pairs["outside"] {
            guard case .boolean = outside else { throw Fault(message: "outside is not true or false") }
        }
    }

    private static func verbsFit(_ present: [String], _ pairs: [String: PluginValue]) throws(Fault) {
        guard present.contains("run") else { throw Fault(message: "run is missing") }
        guard present.contains("stop") else {
            throw Fault(
                message: "stop is missing: without it a stop would always be a kill",
                mend: "the shortest is: return host.process.stop(actor.processes, request.grace_ms)"
            )
        }
        let scopes = try list(pairs["scopes"], "scopes")
        let both = present.contains("checkpoint") == present.contains("restore")
        guard both, scopes.isEmpty || present.contains("restore") else {
            let absent = present.contains("checkpoint") || !present.contains("restore") ? "restore" : "checkpoint"
            throw Fault(message: "\(absent) is missing: checkpoint and restore come together, and with every scope")
        }
    }

    private static func needs(_ value: PluginValue?) throws(Fault) -> [String] {
        var names: [String] = []
        for (index, item) in try list(value, "needs").enumerated() {
            guard case .text(let name) = item else { throw Fault(message: "needs[\(index + 1)] is not text") }
            guard let row = HostFunction.named(name) else {
                let near = Nearest.name(to: name, among: HostFunction.table.map(\.name))
                throw Fault(
                    message: "needs[\(index + 1)]: host has no \"\(name)\"",
                    mend: near.map { "did you mean \"\($0)\"?" } ?? ""
                )
            }
            names.append(row.name)
        }
        return names
    }

    private static func list(_ value: PluginValue?, _ field: String) throws(Fault) -> [PluginValue] {
        switch value {
        case nil: return []
        case .list(let items): return items
        default: throw Fault(message: "\(field) is not a list")
        }
    }

    private static func each(_ value: PluginValue?, of allowed: [String], _ field: String) throws(Fault) {
        for (index, item) in try list(value, field).enumerated() {
            try one(item, of: allowed, "\(field)[\(index + 1)]")
        }
    }

    private static func one(_ value: PluginValue, of allowed: [String], _ field: String) throws(Fault) {
        guard case .text(let text) = value else { throw Fault(message: "\(field) is not text") }
        guard allowed.contains(text) else {
            throw Fault(
                message: "\(field) is \"\(text)\"",
                expected: allowed.joined(separator: ", "),
                mend: Nearest.mend(text, among: allowed)
            )
        }
    }

    private static func presence(_ value: PluginValue?, _ field: String) throws(Fault) {
        switch value {
        case nil: return
        case .list(let items) where items.isEmpty: return
        case .map(let pairs):
            for key in pairs.keys.sorted() {
                guard isName(key) else { throw Fault(message: "\(field)[\"\(key)\"]: a name, not a path") }
                guard pairs[key] == .text("required") || pairs[key] == .text("optional") else {
                    throw Fault(message: "\(field).\(key): write \"required\" or \"optional\"")
                }
            }
        default: throw Fault(message: "\(field) is not a map of names")
        }
    }

    private static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, (0x61...0x7a).contains(first), bytes.count <= 32 else { return false }
        return bytes.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }
}
