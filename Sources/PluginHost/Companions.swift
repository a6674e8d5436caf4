/// Where the host's own programs are: beside it.
public struct Companions: Sendable {
    /// Runs scripts.
    public let supervisor: String
    /// Becomes the PID 1 of a workload.
    public let launcher: String
    /// Parses strangers' archives.
    public let unpacker: String
    /// Names them.
    ///
    /// - Parameter directory: the directory of the host's own executable, absolute.
    public init(directory: String) {
        supervisor = "\(directory)/substrate-supervisor"
        launcher = "\(directory)/substrate-launch"
        unpacker = "\(directory)/substrate-unpack"
    }
}
