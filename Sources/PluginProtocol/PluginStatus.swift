public import HostErrors

/// The closed list of what verbs and host functions answer first.
public enum PluginStatus: String, Sendable, CaseIterable {
    case ok
    case notFound = "not_found"
    case accessDenied = "access_denied"
    case exists
    case alreadyRunning = "already_running"
    case notRunning = "not_running"
    case unsupported
    case busy
    case again
    case storageFull = "storage_full"
    case timeout
    case cancelled
    case assetCorrupt = "asset_corrupt"
    case notReady = "not_ready"
    case failed
    case ioError = "io_error"

    /// When a verb answers it, or what a host function means by it.
    public var summary: String {
        switch self {
        case .ok: "done"
        case .notFound: "what it was to work on is not there"
        case .accessDenied: "it is there and may not be used"
        case .exists: "it would be made a second time"
        case .alreadyRunning: "it runs, and was to be started"
        case .notRunning: "it does not run, and was to"
        case .unsupported: "this backend, tool or machine cannot do it, whenever it is asked"
        case .busy: "somebody else has it now"
        case .again: "the same request may go well a moment later"
        case .storageFull: "no room is left for it"
        case .timeout: "the time was over first"
        case .cancelled: "the caller gave it up"
        case .assetCorrupt: "the bytes are not those of the digest"
        case .notReady: "it runs and does not answer yet"
        case .failed: "a program, or what was asked over a socket, said no; the reason has its words"
        case .ioError: "the machine failed: a disk, a kernel call"
        }
    }

    /// The name that gRPC has for it.
    public var codeName: String {
        "\(code)".flatMap { $0.isUppercase ? "_\($0)" : $0.uppercased() }.map(String.init).joined()
    }

    /// The gRPC status that a verb's answer becomes.
    public var code: HostError.Code {
        switch self {
        case .ok: .ok
        case .notFound: .notFound
        case .accessDenied: .permissionDenied
        case .exists, .alreadyRunning, .notRunning, .unsupported: .failedPrecondition
        case .busy, .again: .aborted
        case .storageFull: .resourceExhausted
        case .timeout: .deadlineExceeded
        case .cancelled: .cancelled
        case .assetCorrupt: .dataLoss
        case .notReady: .unavailable
        case .failed, .ioError: .internal
        }
    }
}
