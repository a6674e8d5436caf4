internal import CNetworkBridge
import Glibc
import SystemLayer

/// Wakes every thread that polls it, once and for good.
final class WakeSignal: Sendable {
    private let counter: OwnedFD

    init() throws(SyscallError) {
        let number = csh_network_wake()
        guard number >= 0 else { throw SyscallError("eventfd", errno) }
        counter = OwnedFD(number)
    }

    /// For a poll(2) of one's own.
    var descriptor: CInt { counter.rawValue }

    /// Wakes; may be repeated.
    func raise() {
        var one: UInt64 = 1
        // Only a full counter can refuse, and that one wakes already.
        _ = unsafe write(counter.rawValue, &one, 8)
    }

    /// Waits for it, at most so long.
    func wait(milliseconds: Int) {
        var watched = pollfd(fd: counter.rawValue, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&watched, 1, CInt(clamping: milliseconds))
    }
}
