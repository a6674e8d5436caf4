/// How the process ends, for scripts; every `--help` prints this table.
enum ExitCode: Int32, CaseIterable, Sendable {
    /// It was done.
    case ok = 0
    /// It was tried and failed; the reason is on standard error.
    case failure = 1
    /// The command line or the configuration is wrong; nothing was tried.
    case usage = 2
    /// The host does not answer; the number is EX_UNAVAILABLE of sysexits(3).
    case unavailable = 69
    /// A pack of assets is wrong; the number is EX_CONFIG of sysexits(3).
    case badPack = 78
    /// Ctrl-C ended it; shells expect 128 and the signal's number.
    case interrupted = 130

    /// One line for `--help`.
    var summary: String {
        switch self {
        case .ok: "done"
        case .failure: "failed; the reason is on standard error"
        case .usage: "wrong command line or configuration; nothing was tried"
        case .unavailable: "no host answers at the address"
        case .badPack: "a pack of assets is wrong; nothing of it was taken"
        case .interrupted: "ended by Ctrl-C; what was begun goes on or is undone, nothing is left half made"
        }
    }
}
