/// What a script says that it is: every field of api 1, checked.
public struct PluginDescriptor: Sendable, Equatable {
    /// The name of `--backend=NAME`.
    public var name = ""
    /// The api that it was written for.
    public var api: Int64 = 0
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
    /// `cpu`, `memory`: those that it enforces on one container.
    public var containerLimits: [String] = []
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
    /// Whether it wakes the memory of one snapshot with the volumes of another.
    public var dataOnGolden = false
    /// Whether what containers write to their roots ends with their programs.
    public var rootInMemory = false
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
        /// The messages of the mistakes after it.
        public var more: [String] = []
        init(_ message: String, field: String = "") {
            self.message = message
            self.field = field
        }

        /// The message, and every other one on a line of its own.
        public var text: String { ([message] + more.map { "  also      \($0)" }).joined(separator: "\n") }
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
    /// - Throws: the first mistake, which knows the others.
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
        var mistakes = check.unknown()
        func take<Value>(_ empty: Value, _ read: () throws(Mistake) -> Value) -> Value {
            do throws(Mistake) { return try read() } catch {
                mistakes.append(error)
                return empty
            }
        }
        self.name = take("", check.identity)
        if case .integer(let number)? = pairs["api"] { api = number }
        isolation = take("", check.isolation)
        verbs = PluginVerb.all.filter { pairs[$0] != nil }
        scopes = take([], check.scopes)
        take(()) { () throws(Mistake) in try check.verbsFit(verbs, scopes: scopes) }
        summary = take("", check.summary)
        needs = take([], check.needs)
        enforces = take([]) { () throws(Mistake) in try check.limits("enforces") }
        containerLimits = take([]) { () throws(Mistake) in try check.limits("container_limits") }
        classes = take([], check.classes)
        assets = take([:]) { () throws(Mistake) in
            try check.presence("assets", "an asset is a name; the request brings the file")
        }
        tools = take([:]) { () throws(Mistake) in
            try check.presence("tools", "a tool is a name; the operator gives the path")
        }
        devices = take([:]) { () throws(Mistake) in
            try check.presence("devices", "a device is a name; the operator gives the path")
        }
        network = take("", check.network)
        image = take("", check.image)
        outside = take(false) { () throws(Mistake) in try check.flag("outside") }
        rootInMemory = take(false) { () throws(Mistake) in try check.flag("root_in_memory") }
        dataOnGolden = take(false) { () throws(Mistake) in try check.dataOnGolden(scopes: scopes) }
        config = take([:], check.config)
        guard var first = mistakes.first else { return }
        first.more = mistakes.dropFirst().prefix(16).map(\.message)
        throw first
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
