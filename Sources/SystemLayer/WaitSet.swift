import CSystemShims

/// Descriptors to wait for together, however many: one epoll(7).
///
/// Adding and removing may come from any thread while another waits.
public struct WaitSet: ~Copyable, Sendable {
    private let descriptor: OwnedFD

    /// Makes an empty one.
    ///
    /// - Throws: EMFILE when the process has too many descriptors.
    public init() throws(SyscallError) {
        let number = csh_waitset_make()
        guard number >= 0 else { throw SyscallError("epoll_create1", -number) }
        descriptor = OwnedFD(number)
    }

    /// Waits for a descriptor too.
    ///
    /// - Parameters:
    ///   - number: open until it is removed: a closed one may leave an event behind.
    ///   - tag: tells it apart.
    /// - Throws: EEXIST when it is there already, ENOSPC when the user watches too many.
    public borrowing func add(_ number: CInt, tag: UInt64) throws(SyscallError) {
        let result = csh_waitset_add(descriptor.rawValue, number, tag)
        guard result == 0 else { throw SyscallError("epoll_ctl", -result) }
    }

    /// Waits for it no longer; an event that is on its way may still come.
    ///
    /// - Parameter number: one that was added.
    public borrowing func remove(_ number: CInt) { _ = csh_waitset_remove(descriptor.rawValue, number) }

    /// Blocks until something can be read or has ended.
    ///
    /// - Parameter milliseconds: how long at most; -1 = for ever.
    /// - Returns: the tags of what is ready, at most 64; none after the time or a signal.
    public borrowing func wait(milliseconds: CInt = -1) -> [UInt64] {
        var tags = [UInt64](repeating: 0, count: 64)
        let count = unsafe csh_waitset_wait(descriptor.rawValue, &tags, 64, milliseconds)
        return Array(tags.prefix(max(0, Int(count))))
    }
}
