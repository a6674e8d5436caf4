import PluginHost

/// Where a setting's value comes from.
enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    /// Nobody said otherwise.
    case standard
    /// A line of the configuration file.
    case file(String, line: Int)
    /// An option of the command line, with its dashes.
    case flag(String)
    /// A variable of the environment.
    case environment(String)

    /// For people: `/etc/substrate-host/substrate.yaml:3`.
    var description: String {
        switch self {
        case .standard: "default"
        case .file(let path, let line): "\(path):\(line)"
        case .flag(let name): name
        case .environment(let name): "$\(name)"
        }
    }
}

/// What the operator gives one backend: `backends.NAME` of the file, and `--grant`.
struct BackendSettings: Equatable, Sendable {
    /// A grant and who gave it.
    struct Given: Hashable, Sendable {
        let grant: OperatorGrant
        let origin: SettingOrigin
    }

    /// A value of `config`, as written; what type it must have is the script's to say.
    struct Value: Equatable, Sendable {
        let text: String
        let origin: SettingOrigin
    }

    /// `grants`: beside those that every backend has.
    var grants: [Given] = []
    /// `config`: the script's own settings.
    var config: [String: Value] = [:]
    /// `pool.size`: how many slots are kept prepared; nil leaves it to the host.
    var poolSize: Int?
    /// Where `pool.size` was said.
    var poolOrigin = SettingOrigin.standard

    /// `held.memory`: the bytes that frozen paused actors may keep; nil: none are held.
    var heldBytes: Int64?
    /// Where `held.memory` was said.
    var heldOrigin = SettingOrigin.standard

    /// `tool_user`: who its programs run as; nil is root.
    var toolUser: UInt32?
    /// Where `tool_user` was said.
    var toolUserOrigin = SettingOrigin.standard

    /// What a script may have: what is given unasked, then what the operator gave.
    ///
    /// - Parameter isShipped: whether its script ships with the host.
    /// - Returns: at most one grant of each target.
    func allGrants(isShipped: Bool) -> [Given] {
        var all = OperatorGrant.standard(isShipped: isShipped).map { Given(grant: $0, origin: .standard) }
        for given in grants {
            all.removeAll { $0.grant.target == given.grant.target }
            all.append(given)
        }
        return all
    }
}
