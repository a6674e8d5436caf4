import PluginProtocol

/// What the operator lets a backend's script have, beyond asking: one item of `grants` or one `--grant`.
///
/// It comes from `substrate.yaml` or the command line and never from an overlay: who can write a script cannot widen
/// what the script may do.
public enum OperatorGrant: Hashable, Sendable {
    /// Start the actor's own programs, confined by the launcher.
    case workload
    /// Have OCI bundles written for the actor.
    case bundle
    /// Run a verified asset of the request as a program in the tool room.
    case asset
    /// Start a program on the host's network.
    case hostNetwork
    /// Start a program that gives programs back what they had: their numbers and their clocks.
    case restore
    /// Run a program of this machine in the tool room.
    case tool(name: String, path: String)
    /// Have a device in the tool room.
    case device(name: String, path: String)
    /// Have a socket in the tool room.
    case socket(path: String)

    /// A text that is no grant: why, and what would be one.
    public struct Fault: Error, Equatable {
        /// In words.
        public let text: String

        /// Makes one.
        public init(text: String) { self.text = text }
    }

    /// What every operator must have read who gives a tool.
    public static let warning =
        "granting a tool that starts its children as root is granting root to whoever can write that script"

    /// What is given to a backend unasked.
    ///
    /// - Parameter isShipped: whether its script ships with the host.
    /// - Returns: `workload` and `bundle`, and `asset` for a shipped one.
    public static func standard(isShipped: Bool) -> [OperatorGrant] {
        isShipped ? [.workload, .bundle, .asset] : [.workload, .bundle]
    }

    /// Reads `tool:bwrap=/usr/bin/bwrap` and its like.
    public init(_ text: String) throws(Fault) {
        switch text {
        case "workload": self = .workload
        case "bundle": self = .bundle
        case "asset": self = .asset
        case "host-network": self = .hostNetwork
        case "restore": self = .restore
        default:
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let kinds = ["workload", "bundle", "asset", "host-network", "restore", "tool", "device", "socket"]
            guard kinds.suffix(3).contains(parts[0]) else {
                let near = Nearest.name(to: parts[0], among: kinds).map { "; did you mean \"\($0)\"?" } ?? ""
                throw Fault(
                    text: "grant \"\(text)\": there is workload, bundle, asset, host-network, restore, "
                        + "tool:NAME=PATH, device:NAME=PATH and socket:PATH" + near
                )
            }
            self = try Self.named(parts[0], parts.count == 2 ? parts[1] : "", text)
        }
    }

    private static func named(_ kind: String, _ rest: String, _ text: String) throws(Fault) -> OperatorGrant {
        if kind == "socket" {
            guard rest.hasPrefix("/") else {
                throw Fault(text: "grant \"\(text)\" names no absolute path: write socket:/run/NAME.sock")
            }
            return .socket(path: rest)
        }
        let parts = rest.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let example = kind == "tool" ? "tool:bwrap=/usr/bin/bwrap" : "device:kvm=/dev/kvm"
        guard parts.count == 2, !parts[0].isEmpty, !parts[0].contains("/") else {
            throw Fault(text: "grant \"\(text)\": write \(kind):NAME=PATH, such as \(example)")
        }
        guard parts[1].hasPrefix("/") else {
            throw Fault(
                text: "grant \"\(text)\": the path is \"\(parts[1])\"; write an absolute one, such as \(example)"
            )
        }
        return kind == "tool" ? .tool(name: parts[0], path: parts[1]) : .device(name: parts[0], path: parts[1])
    }

    /// As it is written.
    public var text: String {
        switch self {
        case .workload: "workload"
        case .bundle: "bundle"
        case .asset: "asset"
        case .hostNetwork: "host-network"
        case .restore: "restore"
        case .tool(let name, let path): "tool:\(name)=\(path)"
        case .device(let name, let path): "device:\(name)=\(path)"
        case .socket(let path): "socket:\(path)"
        }
    }

    /// Whether `warning` is printed beside it.
    public var isTool: Bool { if case .tool = self { true } else { false } }

    /// Its kind alone: `tool`.
    public var kind: String { String(text.prefix { $0 != ":" }) }

    /// What it is a grant of: `tool:bwrap`; two of one target cannot both hold.
    public var target: String {
        switch self {
        case .tool(let name, _): "tool:\(name)"
        case .device(let name, _): "device:\(name)"
        default: text
        }
    }
}
