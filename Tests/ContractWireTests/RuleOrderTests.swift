import ActorContract
import HostErrors
import Testing

@testable import ContractWire

/// A request of either dialect whose every part can be wrong on its own.
private struct Draft {
    var namespace = "ns"
    var template = "probe.v1"
    var name = "one"
    var uid = "u-1"
    var slot = "slot"
    var containers = ["worker"]
    var scope = 2
    var type = 1
    var localName: String? = "snapshot"
    var externalURI: String?
    /// Architecture and digest of the one asset; nil = no `sandbox_assets`.
    var asset: (architecture: String, sha256: String)? = ("amd64", String(repeating: "a", count: 64))

    func bytes(_ method: ContractMethod, _ dialect: Dialect) throws -> [UInt8] {
        let isJune = dialect == .june
        var message = WireMessage(try #require(method.schema(dialect)))
        let key: ActorKey =
            isJune
            ? .june(namespace: namespace, template: template, id: name) : .autumn(atespace: namespace, name: name)
        message.add(
            ActorIdentity(key: key, uid: uid, templateNamespace: isJune ? namespace : "ns", template: template)
        )
        message.add("target_ateom_uid", slot)
        message.add("spec") { spec in
            for name in containers { spec.add("containers") { $0.add("name", name) } }
        }
        if method != .run {
            message.add("scope", scope)
            message.add("type", type)
            if let localName {
                message.add("local_config") { $0.add(isJune ? "snapshot_prefix" : "snapshot_name", localName) }
            }
            if let externalURI {
                message.add("external_config") { $0.add(isJune ? "snapshot_uri_prefix" : "snapshot_uri", externalURI) }
            }
        }
        if let asset, message.schema.index(ofName: "sandbox_assets") != nil {
            var assets = SandboxAssets()
            assets.assets = [asset.architecture: ["tool": .init(url: "file:///x", sha256: asset.sha256)]]
            message.add(assets, dialect)
        }
        return message.encoded()
    }

    /// What the service does before it touches anything.
    func refusal(_ method: ContractMethod, _ dialect: Dialect) throws -> HostError? {
        let bytes = try bytes(method, dialect)
        do throws(HostError) {
            let assets: SandboxAssets?
            switch method {
            case .run: assets = try ContractWire.decodeRun(bytes, dialect: dialect).assets
            case .checkpoint:
                _ = try ContractWire.decodeCheckpoint(bytes, dialect: dialect)
                return nil
            default:
                assets = try ContractWire.decodeRestore(bytes, dialect: dialect).run.assets
                if dialect == .june { return nil }
            }
            try Validation.assets(assets, dialect: dialect, architecture: "amd64", required: ["tool"])
            return nil
        } catch { return error }
    }
}

/// One rule: how to break it, and how its refusal begins in each dialect; nil where the dialect has no such rule.
private struct Rule: Sendable, CustomTestStringConvertible {
    let name: String
    let june: String?
    let autumn: String?
    let methods: [ContractMethod]
    let breaks: @Sendable (inout Draft) -> Void

    var testDescription: String { name }

    init(
        _ name: String,
        june: String?,
        autumn: String?,
        _ methods: [ContractMethod] = [.run, .checkpoint, .restore],
        _ breaks: @escaping @Sendable (inout Draft) -> Void
    ) {
        self.name = name
        self.june = june
        self.autumn = autumn
        self.methods = methods
        self.breaks = breaks
    }

    func text(_ dialect: Dialect) -> String? { dialect == .june ? june : autumn }
}

/// V1-V15 in the order of the contract, §1.4; each breaks so that the rules before it still hold.
private let rules: [Rule] = [
    Rule("V1", june: "invalid namespace \"a.b\"", autumn: "atespace: invalid value \"a.b\"") { $0.namespace = "a.b" },
    // Autumn's template is checked, if it is there, after whom the request is about.
    Rule("V2", june: "invalid template \"..\"", autumn: nil) { $0.template = ".." },
    Rule("V3", june: "invalid actor ID \"Up\"", autumn: "actor_name: invalid value \"Up\"") { $0.name = "Up" },
    Rule("V3 uid", june: nil, autumn: "actor_uid: required") { $0.uid = "" },
    Rule("V4", june: "actor ref aaa", autumn: nil) { draft in
        if draft.namespace == "ns" { draft.namespace = String(repeating: "a", count: 63) }
        if draft.template == "probe.v1" {
            let part = String(repeating: "b", count: 62)
            draft.template = [part, part, part, part].joined(separator: ".")
        }
    },
    Rule("V2 of autumn", june: nil, autumn: "actor_template_name: invalid value \"..\"") { $0.template = ".." },
    Rule("V5", june: "invalid target ateom UID \"../x\"", autumn: "target_ateom_uid: invalid value \"../x\"") {
        $0.slot = "../x"
    },
    Rule(
        "V6",
        june: "invalid container name \"a/b\": a lowercase",
        autumn: "spec.containers[1].name: invalid container name \"a/b\": a lowercase"
    ) { $0.containers.insert("a/b", at: 1) },
    Rule(
        "V7",
        june: "invalid container name \"pause\": reserved",
        autumn: "spec.containers[1].name: invalid container name \"pause\": reserved"
    ) { $0.containers.append("pause") },
    Rule(
        "V8",
        june: "duplicate container name \"worker\"",
        autumn: "spec.containers[1].name: duplicate container name \"worker\""
    ) { $0.containers.append("worker") },
    Rule(
        "V9",
        june: "snapshot scope must be non-zero",
        autumn: "scope: snapshot scope must be non-zero",
        [.checkpoint, .restore]
    ) { $0.scope = 0 },
    Rule("V10", june: "invalid checkpoint type", autumn: "type: invalid checkpoint type", [.checkpoint, .restore]) {
        $0.type = 7
    },
    Rule(
        "V11",
        june: "invalid snapshot URI prefix \"\": missing bucket",
        autumn: "external_config.snapshot_uri: invalid snapshot URI prefix \"\": missing bucket",
        [.checkpoint, .restore]
    ) { draft in
        // Does not hide V10's fault; the local arm stays, which is V11's fault too.
        if draft.type == 1 { draft.type = 2 }
    },
    Rule(
        "V12",
        june: "snapshot prefix must be non-empty for type CHECKPOINT_TYPE_LOCAL",
        autumn: "local_config.snapshot_name: snapshot prefix must be non-empty",
        [.checkpoint, .restore]
    ) { $0.localName = "" },
    Rule("V13", june: "missing sandbox_assets", autumn: "sandbox_assets: missing", [.run, .restore]) { $0.asset = nil },
    Rule(
        "V14",
        june: "sandbox_assets has no assets for architecture \"amd64\"",
        autumn: "sandbox_assets: sandbox_assets has no assets for architecture \"amd64\"",
        [.run, .restore]
    ) { $0.asset?.architecture = "s390x" },
    Rule(
        "V15",
        june: "invalid asset sha256 hash: want 64 hex chars, got 4",
        autumn: "sandbox_assets: invalid asset sha256 hash: want 64 hex chars, got 4",
        [.run, .restore]
    ) { $0.asset?.sha256 = "dead" },
]

/// Which rule a request that breaks several is refused by: the first of the contract's order.
@Suite struct RuleOrderTests {
    /// The rules that a method of a dialect has, in order.
    private static func rules(of method: ContractMethod, _ dialect: Dialect) -> [Rule] {
        ContractWireTests.rules.filter { rule in
            let hasAssets = method == .run || dialect == .autumn
            let isOfAssets = ["V13", "V14", "V15"].contains(rule.name)
            return rule.text(dialect) != nil && rule.methods.contains(method) && (hasAssets || !isOfAssets)
        }
    }

    private static let cases: [(ContractMethod, Dialect)] = [ContractMethod.run, .checkpoint, .restore]
        .flatMap { [($0, .june), ($0, .autumn)] }

    @Test(arguments: cases)
    func eachRuleHoldsAlone(_ method: ContractMethod, _ dialect: Dialect) throws {
        #expect(try Draft().refusal(method, dialect) == nil)
        for rule in Self.rules(of: method, dialect) {
            var draft = Draft()
            rule.breaks(&draft)
            try expect(rule, draft, method, dialect, "alone")
        }
    }

    @Test(arguments: cases)
    func theEarlierOfEveryTwoWins(_ method: ContractMethod, _ dialect: Dialect) throws {
        let rules = Self.rules(of: method, dialect)
        #expect(rules.count > 8)
        for (index, first) in rules.enumerated() {
            // Every later one: the next, the last and all between.
            for second in rules[(index + 1)...] {
                var draft = Draft()
                first.breaks(&draft)
                second.breaks(&draft)
                try expect(first, draft, method, dialect, "with \(second.name)")
            }
        }
    }

    @Test(arguments: cases)
    func theFirstOfAllWins(_ method: ContractMethod, _ dialect: Dialect) throws {
        var rules = Self.rules(of: method, dialect)
        while let first = rules.first {
            var draft = Draft()
            for rule in rules { rule.breaks(&draft) }
            try expect(first, draft, method, dialect, "with all after it")
            rules.removeFirst()
        }
    }

    /// As upstream: one container after the other, each by V6, V7, V8.
    @Test(arguments: [
        (["pause", "a/b"], "invalid container name \"pause\": reserved"),
        (["pause", "pause"], "invalid container name \"pause\": reserved"),
        (["a/b", "a/b"], "invalid container name \"a/b\": a lowercase"),
        (["one", "one", "a/b"], "duplicate container name \"one\""),
    ])
    func amongContainersTheFirstInTheListWins(_ names: [String], _ text: String) throws {
        var draft = Draft()
        draft.containers = names
        for dialect in [Dialect.june, .autumn] {
            let message = try #require(try draft.refusal(.run, dialect)).message
            #expect(message.contains(text), "\(dialect): \(message)")
        }
    }

    private func expect(
        _ rule: Rule,
        _ draft: Draft,
        _ method: ContractMethod,
        _ dialect: Dialect,
        _ note: String
    ) throws {
        let error = try draft.refusal(method, dialect)
        let text = try #require(rule.text(dialect))
        #expect(error?.code == .invalidArgument, "\(method) \(dialect) \(rule.name) \(note)")
        #expect(
            error?.message.hasPrefix(text) == true,
            "\(method) \(dialect) \(rule.name) \(note): \(error?.message ?? "accepted")"
        )
    }
}
