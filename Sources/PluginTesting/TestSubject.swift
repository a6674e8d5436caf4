import ActorContract
import HostErrors
import PluginHost
import PluginOverlays
import PluginProtocol
import SystemLayer
import Telemetry
import Transfer

/// The backend that is tested, described once, and the supervisors that its verbs get.
final class TestSubject {
    let entry: PluginEntry
    let descriptor: PluginDescriptor
    let description: BackendDescription
    private let pool: SupervisorPool
    let companions: Companions
    private let handlers: [BoundHandler]

    /// Loads it, as a host does.
    ///
    /// - Throws: what is wrong with the script, with file and line.
    init(
        _ entry: PluginEntry,
        pool: SupervisorPool,
        companions: Companions,
        handlers: [BoundHandler]
    ) throws(HostError) {
        self.entry = entry
        self.pool = pool
        self.companions = companions
        self.handlers = handlers
        descriptor = try ScriptBackend.descriptor(entry, pool: pool)
        description = descriptor.description(of: entry)
    }

    /// The backend over a test's world: what it needs is granted, tools as far as the test says what they answer.
    ///
    /// - Parameters:
    ///   - world: the test's.
    ///   - config: what the test says that the operator wrote; a secret that it leaves out is in a file all the same.
    ///   - observer: told of every call.
    ///   - sink: gets what the script prints.
    /// - Returns: one for the next verb.
    /// - Throws: a setting that is missing.
    func backend(
        world: FakeWorld,
        config: [String: String],
        observer: CallTrace,
        sink: MistakeSink
    ) throws(HostError) -> ScriptBackend {
        var config = config
        for (name, field) in descriptor.config where field.type == "secret" && config[name] == nil {
            config[name] = "/run/secrets/\(name)"
        }
        var grants = Grants([.workload, .bundle, .asset, .restore])
        for name in world.ruled where descriptor.tools[name] != nil { grants.tools[name] = "/usr/bin/\(name)" }
        grants.sockets = world.grantedSockets
        // What a script is told of cgroups; nothing behind this world touches one.
        var layout = CgroupLayout()
        layout.v2Base = "/sys/fs/cgroup"
        return try ScriptBackend(
            entry: entry,
            pool: pool,
            companions: companions,
            layout: layout,
            grants: grants,
            config: config,
            logger: Logger(sink: sink),
            descriptor: descriptor,
            world: world,
            handlers: handlers,
            observer: observer
        )
    }

    /// The backend on this machine, watched.
    ///
    /// - Parameters:
    ///   - layout: where cgroups are.
    ///   - grants: what the script may have.
    ///   - config: what the test says that the operator wrote.
    ///   - observer: told of every call.
    ///   - sink: gets what the script prints.
    /// - Returns: one for the whole test.
    /// - Throws: a setting that is missing.
    func machineBackend(
        layout: CgroupLayout,
        grants: Grants,
        config: [String: String],
        observer: CallTrace,
        sink: MistakeSink
    ) throws(HostError) -> ScriptBackend {
        try ScriptBackend(
            entry: entry,
            pool: pool,
            companions: companions,
            layout: layout,
            grants: grants,
            config: config,
            logger: Logger(sink: sink),
            descriptor: descriptor,
            handlers: handlers,
            observer: observer
        )
    }

    /// The script's lines.
    var lines: [String] {
        String(decoding: entry.source, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    /// The function around a line, as its author laid it out: the nearest opening above that is further out.
    func function(around line: UInt32) -> String? {
        let lines = lines
        guard line > 0, Int(line) <= lines.count else { return nil }
        func margin(_ text: String) -> Int { text.prefix { $0 == " " || $0 == "\t" }.count }
        let own = lines[Int(line) - 1]
        if let name = Self.functionName(own) { return name }
        var limit = margin(own)
        for text in lines[..<(Int(line) - 1)].reversed() where margin(text) < limit && !text.allSatisfy(\.isWhitespace)
        {
            limit = margin(text)
            if let name = Self.functionName(text) { return name }
        }
        return nil
    }

    /// `start_all` of `local function start_all(actor)` and of `start_all = function(actor)`.
    private static func functionName(_ line: String) -> String? {
        func isName(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber || character == "_")
        }
        let text = line.split(separator: "--", maxSplits: 1).first ?? ""
        guard let place = text.range(of: "function") else { return nil }
        let after = text[place.upperBound...].drop { $0 == " " }
        let named = after.prefix(while: isName)
        if !named.isEmpty { return String(named) }
        let before = text[..<place.lowerBound].reversed().drop { $0 == " " }
        guard before.first == "=" else { return nil }
        let name = before.dropFirst().drop { $0 == " " }.prefix(while: isName)
        return name.isEmpty ? nil : String(name.reversed())
    }
}

extension Substring {
    /// Where a word stands; nil where it does not.
    fileprivate func range(of word: String) -> Range<Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(word) { return index..<self.index(index, offsetBy: word.count) }
            index = self.index(after: index)
        }
        return nil
    }
}
