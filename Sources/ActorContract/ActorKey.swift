/// The two wire dialects of the contract.
///
/// - Source: contract §1.2.
public enum Dialect: String, Sendable, CaseIterable, Codable {
    case june, autumn
}

/// What makes an actor that actor, in the words of its dialect.
public enum ActorKey: Hashable, Sendable, Codable {
    /// June: namespace, template and id together.
    case june(namespace: String, template: String, id: String)
    /// Autumn: atespace and name; the uid is checked, not part of the key.
    case autumn(atespace: String, name: String)

    /// The actor's own name, without what surrounds it.
    public var name: String {
        switch self {
        case .june(_, _, let id): id
        case .autumn(_, let name): name
        }
    }

    /// As people read and type it: `ns:template:name` or `atespace/name`.
    public var text: String {
        switch self {
        case .june(let namespace, let template, let id): "\(namespace):\(template):\(id)"
        case .autumn(let atespace, let name): "\(atespace)/\(name)"
        }
    }

    /// One path component, unlike for unlike keys: June has two colons, autumn one.
    ///
    /// The parts are validated names, which hold no colon and no slash (contract §1.4 V1-V4).
    public var directoryName: String {
        switch self {
        case .june(let namespace, let template, let id): "\(namespace):\(template):\(id)"
        case .autumn(let atespace, let name): "\(atespace):\(name)"
        }
    }
}

/// Who a request is about.
public struct ActorIdentity: Hashable, Sendable, Codable {
    /// The key under which the host keeps the actor.
    public var key: ActorKey
    /// Autumn's actor_uid; empty in June.
    public var uid: String
    /// The template's namespace (June) or atespace (autumn).
    public var templateNamespace: String
    /// The template's name.
    public var template: String

    /// Makes one.
    public init(key: ActorKey, uid: String, templateNamespace: String, template: String) {
        self.key = key
        self.uid = uid
        self.templateNamespace = templateNamespace
        self.template = template
    }

    /// The dialect that the key is of.
    public var dialect: Dialect {
        switch key {
        case .june: .june
        case .autumn: .autumn
        }
    }
}
