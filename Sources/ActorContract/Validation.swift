public import HostErrors

/// The contract's rules on what a request may say, checked before anything is touched.
///
/// June's texts are upstream's; autumn's name the field.
/// - Source: contract §1.4 (V1-V15), §11 A-B.
public enum Validation {
    /// Checks who a request is about: V1-V4, or autumn's names.
    public static func identity(_ identity: ActorIdentity) throws(HostError) {
        switch identity.key {
        case .june(let namespace, let template, let id):
            if let fault = DNSName.labelFault(namespace) {
                throw invalid("invalid namespace \(quoted(namespace)): \(fault)")
            }
            if let fault = DNSName.subdomainFault(template) {
                throw invalid("invalid template \(quoted(template)): \(fault)")
            }
            if let fault = DNSName.labelFault(id) {
                throw invalid("invalid actor ID \(quoted(id)): \(fault)")
            }
            let length = namespace.utf8.count + 1 + template.utf8.count + 1 + id.utf8.count
            guard length <= 255 else {
                let reference = "\(namespace):\(template):\(id)"
                throw invalid(
                    "actor ref \(reference) is \(length) bytes; the combined path component must be at most 255"
                )
            }
        case .autumn(let atespace, let name):
            try resourceName(atespace, at: "atespace")
            try resourceName(name, at: "actor_name")
            try resourceName(identity.uid, at: "actor_uid")
            // What the actor was made from is only told to people here: it may be left out.
            if !identity.templateNamespace.isEmpty {
                try resourceName(identity.templateNamespace, at: "actor_template_atespace")
            }
            if !identity.template.isEmpty, let fault = DNSName.subdomainFault(identity.template) {
                throw invalid("actor_template_name: invalid value \(quoted(identity.template)): \(fault)")
            }
        }
    }

    /// Checks target_ateom_uid: V5.
    public static func slot(_ slot: String, dialect: Dialect) throws(HostError) {
        switch dialect {
        case .june:
            guard let fault = DNSName.labelFault(slot) else { return }
            throw invalid("invalid target ateom UID \(quoted(slot)): \(fault)")
        case .autumn: try resourceName(slot, at: "target_ateom_uid")
        }
    }

    /// Checks a name of autumn's: a DNS label, reported under its field's path.
    public static func resourceName(_ name: String, at path: String) throws(HostError) {
        guard !name.isEmpty else { throw invalid("\(path): required") }
        guard let fault = DNSName.labelFault(name) else { return }
        throw invalid("\(path): invalid value \(quoted(name)): \(fault)")
    }

    /// Checks the assets of a request: V13-V15.
    ///
    /// June demands some file for this machine's architecture always; autumn only the ones that the backend requires.
    /// - Parameters:
    ///   - assets: the request's; nil when absent.
    ///   - dialect: whose rule applies.
    ///   - architecture: this machine's: `amd64` or `arm64`.
    ///   - required: the asset names that the backend cannot do without.
    /// - Throws: INVALID_ARGUMENT with the contract's text.
    public static func assets(
        _ assets: SandboxAssets?,
        dialect: Dialect,
        architecture: String,
        required: [String]
    ) throws(HostError) {
        guard dialect == .june || !required.isEmpty || assets != nil else { return }
        let prefix = dialect == .june ? "" : "sandbox_assets: "
        guard let assets else { throw invalid(prefix + "missing sandbox_assets") }
        let files = assets.assets[architecture] ?? [:]
        guard !files.isEmpty || (dialect == .autumn && required.isEmpty) else {
            throw invalid(prefix + "sandbox_assets has no assets for architecture \(quoted(architecture))")
        }
        for name in required where files[name] == nil {
            throw invalid(
                prefix + "sandbox_assets has no asset \(quoted(name)) for architecture \(quoted(architecture))"
            )
        }
        for (_, file) in files.sorted(by: { $0.key < $1.key }) {
            do throws(HostError) { try assetHash(file.sha256) } catch { throw invalid(prefix + error.message) }
        }
    }

    /// Checks a digest's form: V15.
    public static func assetHash(_ sha256: String) throws(HostError) {
        let count = sha256.utf8.count
        guard count == 64 else { throw invalid("invalid asset sha256 hash: want 64 hex chars, got \(count)") }
        let isHex = sha256.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
        }
        guard isHex else { throw invalid("invalid asset sha256 hash: must be hex") }
    }

    static func invalid(_ message: String) -> HostError { HostError(.invalidArgument, nil, message) }
}
