/// One field of a descriptor after another, each with the mistakes that an author makes there.
struct DescriptorCheck {
    typealias Mistake = PluginDescriptor.Mistake
    let pairs: [String: PluginValue]
    let name: String
    let file: String
    /// The words that a field of the table of descriptors allows.
    static func words(_ field: String) -> [String] { PluginTable.descriptor[field]?.type.allowed ?? [] }

    private static func quoted(_ words: [String], _ separator: String) -> String {
        words.map { "\"\($0)\"" }.joined(separator: separator)
    }

    /// What people call the limits.
    private static let otherNames = [
        "ram": "memory", "mem": "memory", "cpus": "cpu", "processes": "pids", "procs": "pids",
    ]

    /// Fields that are none, and functions where data belongs or the other way round.
    func unknown() -> [Mistake] {
        let keys = pairs.keys.sorted()
        var mistakes = keys.filter { !PluginDescriptor.fields.contains($0) }.map { key in
            let near = Self.suffix(Nearest.mend(key, among: PluginDescriptor.fields))
            return Mistake("\(key) is not a field of a backend\(near)", field: key)
        }
        for key in keys where PluginDescriptor.fields.contains(key) {
            let isFunction = pairs[key] == .handle(.function)
            let isVerb = PluginVerb.all.contains(key)
            if isVerb, !isFunction {
                let noun = ArgumentWords.noun(pairs[key] ?? .null)
                mistakes.append(Mistake("\(key) is \(noun), not a function", field: key))
            }
            if isFunction, !isVerb { mistakes.append(Mistake("\(key) is a function", field: key)) }
        }
        return mistakes
    }

    func identity() throws(Mistake) -> String {
        guard let value = pairs["name"] else { throw Mistake("name is missing; write name = \"\(name)\"") }
        guard case .text(let own) = value else {
            throw Mistake("name is \(ArgumentWords.literal(value)); write name = \"\(name)\"", field: "name")
        }
        guard own == name else {
            let place = file == "\(name).lua" ? "file is \(file)" : "folder is \(name)"
            throw Mistake("name is \"\(own)\", the \(place): they must be equal, in lower case", field: "name")
        }
        guard Self.isName(own) else {
            throw Mistake("name is \"\(own)\": small letters, digits and -, beginning with a letter", field: "name")
        }
        let apis = PluginDescriptor.apis
        let served = apis.count == 1 ? "\(apis.lowerBound)" : "\(apis.lowerBound) to \(apis.upperBound)"
        switch pairs["api"] {
        case nil:
            throw Mistake("api is missing; write api = \(apis.upperBound) (this host serves \(served))")
        case .integer(let number)? where apis.contains(number): return own
        case .integer(let number)? where number > apis.upperBound:
            throw Mistake("api = \(number): this host serves \(served); update substrate-host", field: "api")
        case .some(let other):
            throw Mistake(
                "api = \(ArgumentWords.literal(other)): this host serves \(served); write api = \(apis.upperBound)",
                field: "api"
            )
        }
    }

    func isolation() throws(Mistake) -> String {
        let all = Self.words("isolation")
        guard let value = pairs["isolation"] else {
            throw Mistake(
                "isolation is missing: say what stands between the actor and this machine (one of \(all.joined(separator: ", ")))"
            )
        }
        return try one(value, of: all, "isolation", field: "isolation")
    }

    func summary() throws(Mistake) -> String {
        switch pairs["summary"] {
        case nil: return ""
        case .text(let text)?:
            if let limit = PluginTable.descriptor["summary"]?.type.limit, text.count > limit {
                throw Mistake("summary has \(text.count) characters, \(limit) fit", field: "summary")
            }
            return text
        case .some(let other): throw Mistake("summary is \(ArgumentWords.noun(other)), not a string", field: "summary")
        }
    }

    func scopes() throws(Mistake) -> [String] {
        var scopes: [String] = []
        for (index, item) in try list("scopes").enumerated() {
            guard case .text(let text) = item, Self.words("scopes").contains(text) else {
                let known = Self.quoted(Self.words("scopes"), " and ")
                throw Mistake(
                    "scopes[\(index + 1)] is \(ArgumentWords.literal(item)): scopes are \(known)",
                    field: "scopes"
                )
            }
            scopes.append(text)
        }
        try distinct(scopes, "scopes")
        return scopes
    }

    func limits(_ field: String) throws(Mistake) -> [String] {
        let limits = Self.words(field)
        var found: [String] = []
        for (index, item) in try list(field).enumerated() {
            guard case .text(let text) = item, limits.contains(text) else {
                var near: String?
                if case .text(let text) = item { near = Self.otherNames[text] ?? Nearest.name(to: text, among: limits) }
                let mend =
                    near.map { "did you mean \"\($0)\"?" }
                    ?? "limits are \(limits.dropLast().joined(separator: ", ")) and \(limits.last ?? "")"
                throw Mistake("\(field)[\(index + 1)] is \(ArgumentWords.literal(item)); \(mend)", field: field)
            }
            found.append(text)
        }
        try distinct(found, field)
        return found
    }

    /// A word that is said twice is a slip: another was meant.
    private func distinct(_ words: [String], _ field: String) throws(Mistake) {
        for (index, word) in words.enumerated() where words.firstIndex(of: word) != index {
            throw Mistake("\(field)[\(index + 1)] is \"\(word)\" again: write it once", field: field)
        }
    }

    func classes() throws(Mistake) -> [String] {
        var found: [String] = []
        for (index, item) in try list("classes").enumerated() {
            guard case .text(let text) = item, Self.isName(text) else {
                throw Mistake(
                    "classes[\(index + 1)] is \(ArgumentWords.literal(item)): small letters, digits and -",
                    field: "classes"
                )
            }
            found.append(text)
        }
        try distinct(found, "classes")
        return found
    }

    func verbsFit(_ verbs: [String], scopes: [String]) throws(Mistake) {
        guard verbs.contains("run") else {
            throw Mistake(
                "run is missing: a backend that starts nothing is none; run = function(actor) … return \"ok\" end"
            )
        }
        guard verbs.contains("stop") else {
            throw Mistake(
                "stop is missing: without it a stop would always be a kill; the shortest is: return host.process.stop(actor.processes, request.grace_ms)"
            )
        }
        let saves = verbs.contains("checkpoint")
        let restores = verbs.contains("restore")
        if saves, restores { return }
        if scopes.isEmpty {
            if !saves, !restores { return }
            throw Mistake(
                "\(saves ? "checkpoint" : "restore") is here and \(saves ? "restore" : "checkpoint") is missing: both or neither",
                field: saves ? "checkpoint" : "restore"
            )
        }
        let written = scopes.map { "\"\($0)\"" }.joined(separator: ", ")
        if saves || !restores {
            let both = saves ? "restore function" : "checkpoint and restore functions"
            throw Mistake("scopes = {\(written)} but no \(both): a snapshot nobody can restore", field: "scopes")
        }
        throw Mistake("scopes = {\(written)} but no checkpoint function: a snapshot nobody can make", field: "scopes")
    }

    func needs() throws(Mistake) -> [String] {
        var names: [String] = []
        for (index, item) in try list("needs").enumerated() {
            guard case .text(let text) = item else {
                throw Mistake("needs[\(index + 1)] is \(ArgumentWords.noun(item)), not a string", field: "needs")
            }
            guard let row = HostFunction.named(text) else {
                let plain = String(text.prefix { $0 != "@" })
                let mend: String
                if let row = HostFunction.named(plain) {
                    mend = "it has version \(row.version)"
                } else {
                    let near = Nearest.name(to: text, among: HostFunction.table.map(\.name))
                    mend = near.map { "did you mean \"\($0)\"?" } ?? ""
                }
                throw Mistake("needs[\(index + 1)]: host has no \"\(text)\"\(Self.suffix(mend))", field: "needs")
            }
            if !names.contains(row.name) { names.append(row.name) }
        }
        return names
    }

    func network() throws(Mistake) -> String {
        guard let value = pairs["network"] else { return "namespace" }
        if value == .text("host") {
            throw Mistake("network is \"host\": no backend may put an actor on the host's network", field: "network")
        }
        if value == .text("tap") {
            throw Mistake(
                "network is \"tap\": this host makes no tap device; write network = \"namespace\", and let a tool with device:tun make one there",
                field: "network"
            )
        }
        return try one(value, of: Self.words("network"), "network", field: "network")
    }

    func image() throws(Mistake) -> String {
        guard let value = pairs["image"] else { return "directory" }
        if value == .text("block") { throw Mistake("image is \"block\": not in api 1", field: "image") }
        return try one(value, of: Self.words("image"), "image", field: "image")
    }

    func dataOnGolden(scopes: [String]) throws(Mistake) -> Bool {
        guard try flag("data_on_golden") else { return false }
        guard scopes.contains("full"), scopes.contains("data") else {
            throw Mistake(
                "data_on_golden is true, and scopes lacks \"full\" or \"data\": the memory is of a full snapshot, the volumes of a data one",
                field: "data_on_golden"
            )
        }
        return true
    }

    func flag(_ field: String) throws(Mistake) -> Bool {
        switch pairs[field] {
        case nil: return false
        case .boolean(let flag)?: return flag
        case .some(let other):
            throw Mistake("\(field) is \(ArgumentWords.literal(other)): write true or false", field: field)
        }
    }

    func presence(_ field: String, _ mend: String) throws(Mistake) -> [String: Bool] {
        var found: [String: Bool] = [:]
        for (key, value) in try map(field).sorted(by: { $0.key < $1.key }) {
            guard Self.isName(key, assetLike: true) else {
                throw Mistake("\(field)[\"\(key)\"]: \(mend)", field: field)
            }
            guard case .text(let word) = value, Self.words(field).contains(word) else {
                let known = Self.quoted(Self.words(field), " or ")
                throw Mistake(
                    "\(field).\(key) is \(ArgumentWords.literal(value)): write \(known)",
                    field: field
                )
            }
            found[key] = value == .text("required")
        }
        return found
    }

    func one(_ value: PluginValue, of allowed: [String], _ path: String, field: String) throws(Mistake) -> String {
        if case .text(let text) = value {
            if allowed.contains(text) { return text }
            let mend = Nearest.name(to: text, among: allowed).map { "did you mean \"\($0)\"?" } ?? ""
            let list = allowed.map { "\"\($0)\"" }.joined(separator: ", ")
            throw Mistake("\(path) is \"\(text)\"\(mend.isEmpty ? ": one of \(list)" : "; \(mend)")", field: field)
        }
        let list = allowed.map { "\"\($0)\"" }.joined(separator: ", ")
        throw Mistake("\(path) is \(ArgumentWords.literal(value)): one of \(list)", field: field)
    }

    func list(_ field: String) throws(Mistake) -> [PluginValue] {
        switch pairs[field] {
        case nil: return []
        case .list(let items)?: return items
        case .some(let other): throw Mistake("\(field) is \(ArgumentWords.noun(other)), not a list", field: field)
        }
    }

    func map(_ field: String) throws(Mistake) -> [String: PluginValue] {
        switch pairs[field] {
        case nil: return [:]
        case .map(let map)?: return map
        case .list(let items)? where items.isEmpty: return [:]
        case .list?: throw Mistake("\(field) is a list, not a map of names", field: field)
        case .some(let other): throw Mistake("\(field) is \(ArgumentWords.noun(other)), not a map", field: field)
        }
    }

    static func suffix(_ mend: String) -> String { mend.isEmpty ? "" : "; \(mend)" }

    /// Small letters, digits and `-`, a letter first, at most 32; assets may hold `_` and `.` too.
    static func isName(_ text: String, assetLike: Bool = false) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, (0x61...0x7a).contains(first), bytes.count <= (assetLike ? 64 : 32) else {
            return false
        }
        return bytes.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d
                || assetLike && ($0 == 0x5f || $0 == 0x2e)
        }
    }
}
