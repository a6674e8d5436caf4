/// What a script says that it is: every field of api 1, checked.
public struct PluginDescriptor: Sendable, Equatable {
    /// The name of `--backend=NAME`.
    public var name = ""
    /// The claim of what stands between an actor and this machine.
    public var isolation = ""
    /// One line, at most 120 characters; may be empty.
    public var summary = ""
    /// The verbs that it has.
    public var verbs: [String] = []
    /// The host functions that it may call, by the names of their rows.
    public var needs: [String] = []
    /// `full`, `data`: the most that it can ever save.
    public var scopes: [String] = []
    /// `cpu`, `memory`, `pids`.
    public var enforces: [String] = []
    /// Further values of a request's sandbox class that it accepts.
    public var classes: [String] = []
    /// Assets by name; true = required.
    public var assets: [String: Bool] = [:]
    /// Programs of this machine by name; true = required.
    public var tools: [String: Bool] = [:]
    /// Device nodes by name; true = required.
    public var devices: [String: Bool] = [:]
    /// `namespace`, `tap`, `backend` or `none`.
    public var network = "namespace"
    /// `directory` or `none`.
    public var image = "directory"
    /// The operator's settings.
    public var config: [String: ConfigField] = [:]
    /// Whether it makes things outside the slot.
    public var outside = false
    /// What is suspicious and no mistake.
    public var warnings: [String] = []

    /// One setting of the operator's.
    public struct ConfigField: Sendable, Equatable {
        /// `string`, `integer`, `boolean` or `secret`.
        public var type = "string"
        /// What an absent one means; nil: it must be given.
        public var fallback: PluginValue?
        /// The allowed values; empty: any.
        public var oneOf: [PluginValue] = []
        /// The least integer.
        public var least: Int64?
        /// The greatest integer.
        public var greatest: Int64?
        /// One line.
        public var help = ""
    }

    /// A mistake in a descriptor: what it is, and the field whose line is to be shown.
    public struct Mistake: Error, Sendable, Equatable {
        /// One line for the author, the mend included.
        public var message: String
        /// The key to look for in the source; may be empty.
        public var field: String
        init(_ message: String, field: String = "") {
            self.message = message
            self.field = field
        }
    }

    /// The api numbers that this host serves.
    public static let apis: ClosedRange<Int64> =
        if case .numbers(let served)? = PluginTable.descriptor["api"]?.type { served } else { 1...1 }
    static let fields = PluginTable.descriptor.fields.map(\.name)

    /// Reads what a file returned.
    ///
    /// - Parameters:
    ///   - value: untrusted; functions are handles of all ones, or absent with their names under `verbs`.
    ///   - name: the name of the file, without `.lua`, or of its folder.
    ///   - file: the file's own name.
    /// - Throws: the first mistake.
    public init(_ value: PluginValue, name: String, file: String) throws(Mistake) {
        var pairs: [String: PluginValue] = [:]
        switch value {
        case .map(let map): pairs = map
        case .list(let items) where items.isEmpty: break
        default: throw Mistake("the file returned a list, not a table of fields")
        }
        if case .list(let listed)? = pairs["verbs"] {
            pairs["verbs"] = nil
            for case .text(let verb) in listed where PluginVerb.all.contains(verb) { pairs[verb] = .handle(.function) }
            if case .list(let listed)? = pairs["warnings"] {
                warnings = listed.prefix(64).compactMap { if case .text(let text) = $0 { text } else { nil } }
                pairs["warnings"] = nil
            }
        }
        let check = DescriptorCheck(pairs: pairs, name: name, file: file)
        try check.known()
        self.name = try check.identity()
        isolation = try check.isolation()
        verbs = PluginVerb.all.filter { pairs[$0] != nil }
        scopes = try check.scopes()
        try check.verbsFit(verbs, scopes: scopes)
        summary = try check.summary()
        needs = try check.needs()
        enforces = try check.enforces()
        classes = try check.classes()
        assets = try check.presence("assets", "an asset is a name; the request brings the file")
        tools = try check.presence("tools", "a tool is a name; the operator gives the path")
        devices = try check.presence("devices", "a device is a name; the operator gives the path")
        network = try check.network()
        image = try check.image()
        outside = try check.outside()
        config = try check.config()
    }

    /// The descriptor as the supervisor sends it: functions gone, their names under `verbs`.
    public func encoded(_ value: PluginValue) -> PluginValue {
        guard case .map(var pairs) = value else { return value }
        for verb in PluginVerb.all { pairs[verb] = nil }
        pairs["verbs"] = .list(verbs.map { .text($0) })
        if !warnings.isEmpty { pairs["warnings"] = .list(warnings.map { .text($0) }) }
        return .map(pairs)
    }
}
