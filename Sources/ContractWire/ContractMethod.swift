public import ActorContract
public import HostErrors

/// The methods of the contract's service.
public enum ContractMethod: String, Sendable, CaseIterable {
    case run = "Run"
    case checkpoint = "Checkpoint"
    case restore = "Restore"
    case terminate = "Terminate"
    case uploadPausedCheckpoint = "UploadPausedCheckpoint"
    case pruneLocalCheckpoints = "PruneLocalCheckpoints"

    /// The HTTP/2 path.
    public var path: String { "/atelet.AteomHerder/\(rawValue)" }

    /// The method of a path; nil for another service's.
    public init?(path: String) {
        guard let method = Self.allCases.first(where: { $0.path == path }) else { return nil }
        self = method
    }

    /// What a request of this method looks like; nil where the dialect lacks the method.
    func schema(_ dialect: Dialect) -> MessageSchema? {
        switch (self, dialect) {
        case (.run, .june): .juneRun
        case (.checkpoint, .june): .juneCheckpoint
        case (.restore, .june): .juneRestore
        case (_, .june): nil
        case (.run, .autumn): .autumnRun
        case (.checkpoint, .autumn): .autumnCheckpoint
        case (.restore, .autumn): .autumnRestore
        case (.terminate, .autumn): .autumnTerminate
        case (.uploadPausedCheckpoint, .autumn): .autumnUpload
        case (.pruneLocalCheckpoints, .autumn): .autumnPrune
        }
    }
}

/// What `--contract` may be.
public enum DialectSetting: String, Sendable, CaseIterable {
    case june, autumn, auto
}

/// The two dialects of the contract and our own service, between bytes and `ActorContract`.
public enum ContractWire {
    /// Tells which dialect a request is in.
    ///
    /// Field 2 is always sent in autumn and never in June. A field whose wire type is the other dialect's is refused.
    /// - Source: contract §1.2, "Sniffing rule".
    public static func detect(
        _ bytes: [UInt8],
        method: ContractMethod,
        configured: DialectSetting
    ) throws(HostError) -> Dialect {
        guard method.schema(.june) != nil else {
            guard configured != .june else {
                throw HostError(.unimplemented, .verbUnsupported, "\(method.rawValue) is not a method of june")
            }
            return .autumn
        }
        let tags = try WireDecoder.tags(bytes)
        let hasField2 = tags.contains { $0.number == 2 }
        let dialect: Dialect =
            switch configured {
            case .autumn: .autumn
            case .auto: hasField2 ? .autumn : .june
            case .june: .june
            }
        if dialect == .june && hasField2 {
            throw HostError(.invalidArgument, nil, "field 2 is of the autumn dialect; this host serves june alone")
        }
        let other: Dialect = dialect == .june ? .autumn : .june
        guard let own = method.schema(dialect), let foreign = method.schema(other) else { return dialect }
        for tag in tags {
            if let index = own.index(ofNumber: tag.number) {
                guard own.fields[index].wireType != tag.wireType else { continue }
                let field = own.fields[index].name
                throw HostError(
                    .invalidArgument,
                    nil,
                    "\(field): field \(tag.number) has wire type \(tag.wireType), which is not the \(dialect) dialect's"
                )
            }
            // A number of the other dialect alone (a lone varint: an enumeration or a limit) is no stray extra.
            if let index = foreign.index(ofNumber: tag.number), tag.wireType == WireType.varint,
                foreign.fields[index].wireType == WireType.varint
            {
                throw HostError(
                    .invalidArgument,
                    nil,
                    "field \(tag.number) is \(foreign.fields[index].name) of the \(other) dialect, in a \(dialect) request"
                )
            }
        }
        return dialect
    }
}
