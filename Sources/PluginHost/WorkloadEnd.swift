import LaunchProtocol
import SystemLayer

/// How a workload ended, as its launcher wrote it.
enum WorkloadEnd {
    /// Nil while it runs, and when the record is another launch's.
    static func read(directory: String, nonce: String) -> ExitStatus? {
        ExitRecord.read(directory: directory, nonce: nonce)
    }
}
