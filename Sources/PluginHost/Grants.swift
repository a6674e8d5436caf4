public import PluginProtocol

/// What an operator lets a script do: what it gets is what it needs, and only if that is granted.
public struct Grants: Sendable, Equatable {
    /// The kinds that take no name.
    public var kinds: Set<HostFunction.Grant>
    /// Programs of this machine: name → path.
    public var tools: [String: String] = [:]
    /// Device nodes: name → path.
    public var devices: [String: String] = [:]
    /// Unix sockets that may be asked, by path.
    public var sockets: Set<String> = []
    /// Who its programs run as in the tool room: 0 is root.
    public var toolUser: UInt32 = 0

    /// Makes grants without names.
    public init(_ kinds: Set<HostFunction.Grant>) { self.kinds = kinds }

    /// Makes what an operator gave, one after another.
    public init(_ given: some Sequence<OperatorGrant>) {
        kinds = []
        for grant in given {
            switch grant {
            case .workload: kinds.insert(.workload)
            case .bundle: kinds.insert(.bundle)
            case .asset: kinds.insert(.asset)
            case .hostNetwork: kinds.insert(.hostNetwork)
            case .restore: kinds.insert(.restore)
            case .tool(let name, let path): tools[name] = path
            case .device(let name, let path): devices[name] = path
            case .socket(let path): sockets.insert(path)
            }
        }
    }

    /// What every script gets: it may start the actor's own programs, confined, and have bundles written for them.
    public static let standard = Grants([.workload, .bundle])
    /// What the scripts that come with this host get: verified assets run as programs, too.
    public static let shipped = Grants([.workload, .bundle, .asset])

    /// Whether any one of these kinds is granted; none asked for is always granted.
    public func allows(anyOf wanted: [HostFunction.Grant]) -> Bool { wanted.isEmpty || wanted.contains(where: has) }

    private func has(_ kind: HostFunction.Grant) -> Bool {
        switch kind {
        case .tool: !tools.isEmpty
        case .device: !devices.isEmpty
        case .socket: !sockets.isEmpty
        case .workload, .bundle, .asset, .hostNetwork, .restore: kinds.contains(kind)
        }
    }

    /// In the order and form of the command line: `workload, tool:bwrap`.
    public var names: [String] {
        HostFunction.Grant.allCases.flatMap { kind -> [String] in
            switch kind {
            case .tool: tools.keys.sorted().map { "tool:\($0)" }
            case .device: devices.keys.sorted().map { "device:\($0)" }
            case .socket: sockets.sorted().map { "socket:\($0)" }
            case .workload, .bundle, .asset, .hostNetwork, .restore: kinds.contains(kind) ? [kind.rawValue] : []
            }
        }
    }

    /// The text of a need that nobody granted, in the form of an author's mistake; nil when all are granted.
    ///
    /// - Parameters:
    ///   - descriptor: the script's.
    ///   - file: its file's name.
    /// - Returns: the first line, `expected`, `got` and `mend`, each on a line.
    func refusal(of descriptor: PluginDescriptor, file: String) -> String? {
        for need in descriptor.needs {
            guard let row = HostFunction.named(need), !allows(anyOf: row.anyOf) else { continue }
            let tool = descriptor.tools.keys.sorted().first ?? "NAME"
            let mend =
                row.anyOf.contains(.tool)
                ? "--grant \(GrantHint.tool(tool))" : "--grant \(row.anyOf.first?.rawValue ?? "")"
            return """
                \(file): needs \(row.name), and no grant lets it \(Self.deed(row.anyOf))
                  expected  \(row.anyOf.map(Self.form).joined(separator: ", or "))
                  got       \(names.isEmpty ? "nothing" : names.joined(separator: ", "))
                  mend      operator: \(mend), or backends.\(descriptor.name).grants in substrate.yaml
                """
        }
        for (kind, wanted, given, hint) in [
            ("tool", descriptor.tools, tools, GrantHint.tool),
            ("device", descriptor.devices, devices, GrantHint.device),
        ] {
            guard let name = wanted.keys.sorted().first(where: { wanted[$0] == true && given[$0] == nil }) else {
                continue
            }
            return """
                \(file): requires the \(kind) \(name), and nobody granted it
                  expected  \(kind):\(name)=<path>
                  got       \(names.isEmpty ? "nothing" : names.joined(separator: ", "))
                  mend      operator: --grant \(hint(name)), or backends.\(descriptor.name).grants in substrate.yaml
                """
        }
        return nil
    }

    private static func deed(_ grants: [HostFunction.Grant]) -> String {
        switch grants.first {
        case .workload: "start a workload"
        case .bundle: "have a bundle written"
        case .asset where grants.count == 1: "read an asset"
        case .asset, .tool: "run a program"
        case .device: "use a device"
        case .hostNetwork: "use the host's network"
        case .restore: "restore programs"
        case .socket: "use a socket"
        case nil: "do that"
        }
    }

    private static func form(_ grant: HostFunction.Grant) -> String {
        switch grant {
        case .tool: "tool:<name>=<path>"
        case .device: "device:<name>=<path>"
        case .socket: "socket:<path>"
        case .workload, .bundle, .asset, .hostNetwork, .restore: grant.rawValue
        }
    }
}
