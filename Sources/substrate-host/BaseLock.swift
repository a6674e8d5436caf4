import Glibc
import HostErrors
import SystemLayer

/// One host per base directory: a lock that the kernel drops when the process ends, however it ends.
///
/// - Source: flock(2): the lock belongs to the open file, which a child of ours has until its execve(2).
struct BaseLock: ~Copyable {
    private let file: OwnedFD

    /// Takes the lock.
    ///
    /// - Throws: `failedPrecondition` when another host has it.
    init(directory: String) throws(HostError) {
        let path = "\(directory)/lock"
        let number = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else {
            throw HostError(
                .failedPrecondition,
                .machine,
                "the base directory \(directory) is not writable (\(SyscallError("open", errno)))"
            )
        }
        let opened = OwnedFD(number)
        // A host that was killed may have left a child on its way to execve: it is there for a moment more.
        let deadline = ContinuousClock.now + .seconds(2)
        while flock(number, LOCK_EX | LOCK_NB) != 0 {
            guard ContinuousClock.now < deadline else {
                throw HostError(
                    .failedPrecondition,
                    .machine,
                    "base directory is in use by another substrate-host: \(directory); choose another --base-dir"
                )
            }
            usleep(10_000)
        }
        file = opened
    }

    /// Says that the lock is still meant.
    func keep() {}
}
