import HostErrors

/// Reads a YAML file of one document: maps, lists and scalars, and nothing clever.
///
/// Aliases, tags and doubled keys are refused: a configuration says what it means once, and aliases can make a
/// small file mean gigabytes. JSON is a subset, so it is read too.
struct YAMLDocument: ~Copyable {
    /// The most bytes of a file.
    static let byteLimit = 1 << 20
    /// The most nesting of lists and maps.
    static let depthLimit = 64
    /// The most values in a file.
    static let nodeLimit = 100_000

    private let events: YAMLEvents
    private var nodes = 0

    /// Reads the one document.
    ///
    /// - Parameter bytes: UTF-8, at most `byteLimit`.
    /// - Returns: its root; `.null` for an empty file.
    /// - Throws: invalid argument with the line and what is wrong there.
    static func parse(_ bytes: [UInt8]) throws(HostError) -> YAMLNode {
        guard bytes.count <= byteLimit else {
            throw HostError(.invalidArgument, nil, "the YAML has \(bytes.count) bytes, more than \(byteLimit)")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw HostError(.invalidArgument, nil, "the YAML is not UTF-8")
        }
        var document = YAMLDocument(events: YAMLEvents(bytes))
        return try document.root()
    }

    private init(events: YAMLEvents) { self.events = events }

    private mutating func root() throws(HostError) -> YAMLNode {
        var root: YAMLNode?
        while true {
            let event = try events.next()
            switch event.kind {
            case .streamEnd: return root ?? .null(line: 1)
            case .nothing: continue
            default:
                guard root == nil else { throw refusal(event.line, "a second document; one file holds one") }
                root = try node(event, depth: 0)
            }
        }
    }

    private mutating func node(_ event: YAMLEvents.Event, depth: Int) throws(HostError) -> YAMLNode {
        nodes += 1
        guard nodes <= Self.nodeLimit else { throw refusal(event.line, "more than \(Self.nodeLimit) values") }
        guard depth <= Self.depthLimit else { throw refusal(event.line, "nested deeper than \(Self.depthLimit)") }
        guard !event.hasTag else { throw refusal(event.line, "a tag (!…); write the plain value") }
        switch event.kind {
        case .scalar(let text, let isPlain):
            if isPlain, ["", "~", "null", "Null", "NULL"].contains(text) { return .null(line: event.line) }
            return .scalar(text, line: event.line)
        case .listStart: return .list(try items(depth), line: event.line)
        case .mapStart: return .map(try members(depth), line: event.line)
        case .alias: throw refusal(event.line, "an alias (*…); write the value out")
        case .listEnd, .mapEnd, .streamEnd, .nothing: throw refusal(event.line, "no value where one must be")
        }
    }

    private mutating func items(_ depth: Int) throws(HostError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let event = try events.next()
            if case .listEnd = event.kind { return items }
            items.append(try node(event, depth: depth + 1))
        }
    }

    private mutating func members(_ depth: Int) throws(HostError) -> [YAMLMember] {
        var members: [YAMLMember] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try events.next()
            if case .mapEnd = event.kind { return members }
            guard case .scalar(let key, _) = event.kind, !event.hasTag else {
                throw refusal(event.line, "a key that is no plain word")
            }
            if let first = lines.updateValue(event.line, forKey: key) {
                throw refusal(event.line, "the key \"\(key)\" again; it is on line \(first) already")
            }
            let value = try node(try events.next(), depth: depth + 1)
            members.append(YAMLMember(key: key, line: event.line, value: value))
        }
    }

    private func refusal(_ line: Int, _ what: String) -> HostError {
        HostError(.invalidArgument, nil, "YAML line \(line): \(what)")
    }
}
