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
