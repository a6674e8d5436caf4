public import HostErrors

/// Whether a snapshot is being made or read: autumn allows more scopes for the second.
public enum SnapshotUse: Sendable {
    case checkpoint, restore
}

/// A snapshot's place as the wire tells it, not yet checked.
public struct RawSnapshotPlace: Sendable {
    /// The enumeration's number.
    public var type: Int32
    /// The local arm's name; nil when that arm is absent.
    public var localName: String?
    /// The external arm's URI; nil when that arm is absent.
    public var externalURI: String?
    /// Makes one.
    public init(type: Int32, localName: String?, externalURI: String?) {
        self.type = type
        self.localName = localName
        self.externalURI = externalURI
    }
}

extension Validation {
    /// Checks a scope's number: V9.
    public static func scope(
        _ number: Int32,
        use: SnapshotUse,
        dialect: Dialect
    ) throws(HostError) -> SnapshotScope {
        let prefix = dialect == .june ? "" : "scope: "
        switch (number, dialect, use) {
        case (0, _, _): throw invalid(prefix + "snapshot scope must be non-zero")
        case (1, _, _): return .full
        case (2, _, _): return .data
        case (3, .autumn, .restore): return .dataOnGolden
        case (3, .autumn, .checkpoint):
            throw invalid(prefix + "invalid snapshot scope: SNAPSHOT_SCOPE_DATA_ON_GOLDEN")
        default: throw invalid(prefix + "invalid snapshot scope: \(number)")
        }
    }

    /// Checks a snapshot's type and the configuration that goes with it: V10-V12.
    public static func place(_ raw: RawSnapshotPlace, dialect: Dialect) throws(HostError) -> SnapshotPlace {
        switch (raw.type, dialect) {
        case (1, _):
            let name = raw.localName ?? ""
            try localName(name, at: "local_config.snapshot_name", dialect: dialect)
            return .local(name)
        case (2, _):
            let uri = raw.externalURI ?? ""
            try externalPrefix(uri, at: "external_config.snapshot_uri", dialect: dialect)
            return .external(uri)
        default:
            let prefix = dialect == .june ? "" : "type: "
            let shown = raw.type == 0 ? "CHECKPOINT_TYPE_UNSPECIFIED" : "\(raw.type)"
            throw invalid(prefix + "invalid checkpoint type: \(shown)")
        }
    }

    /// Checks a local snapshot's name: V12, and that it is one harmless path component.
    ///
    /// June's names hold colons, plus signs and upper case; autumn's are DNS labels.
    /// - Source: contract §11 B14.
    public static func localName(_ name: String, at path: String, dialect: Dialect) throws(HostError) {
        let prefix = dialect == .june ? "" : "\(path): "
        guard !name.isEmpty else {
            throw invalid(prefix + "snapshot prefix must be non-empty for type CHECKPOINT_TYPE_LOCAL")
        }
        if dialect == .autumn { return try resourceName(name, at: path) }
        let fault: String? =
            if name.utf8.contains(UInt8(ascii: "/")) {
                "must not contain a slash"
            } else if name.hasPrefix(".") {
                "must not start with a dot"
            } else if name.contains("..") {
                "must not contain two dots in a row"
            } else if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
                "must not contain control characters"
            } else if name.utf8.count > 255 {
                "must be no more than 255 bytes"
            } else {
                nil
            }
        if let fault { throw invalid("invalid snapshot prefix \(quoted(name)): \(fault)") }
    }

    /// Checks an external snapshot's URI prefix: V11.
    public static func externalPrefix(_ uri: String, at path: String, dialect: Dialect) throws(HostError) {
        guard let fault = URIPrefix.fault(uri) else { return }
        let prefix = dialect == .june ? "" : "\(path): "
        throw invalid(prefix + "invalid snapshot URI prefix \(quoted(uri)): \(fault)")
    }

    /// Checks autumn's golden base against the scope: each only with the other.
    ///
    /// - Source: contract §11 B16.
    public static func base(_ uri: String, isPresent: Bool, scope: SnapshotScope) throws(HostError) {
        guard scope == .dataOnGolden else {
            guard !isPresent else {
                throw invalid("base_config: only with scope SNAPSHOT_SCOPE_DATA_ON_GOLDEN")
            }
            return
        }
        guard isPresent else { throw invalid("base_config: required for scope SNAPSHOT_SCOPE_DATA_ON_GOLDEN") }
        try externalPrefix(uri, at: "base_config.snapshot_uri", dialect: .autumn)
    }
}
