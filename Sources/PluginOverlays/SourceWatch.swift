import Glibc
import Synchronization
public import SystemLayer

/// Tells when something was saved in the directories of the sources: inotify(7), no polling.
///
/// Only whole saves count: a file closed after writing, or renamed into place. What an editor writes meanwhile under
/// another name changes no index and so nothing.
public final class SourceWatch: Sendable {
    /// What is a save, a removal, or a directory that came or went.
    private static let events = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF
            | IN_ONLYDIR
    )
    private struct State {
        /// Watch descriptor → directory.
        var paths: [CInt: String] = [:]
        /// The directories in which only these names matter.
        var parents: [String: Set<String>] = [:]
        var isDirty = false
    }
    private let queue: OwnedFD
    private let wakeReader: OwnedFD
    private let wakeWriter: OwnedFD
    private let state = Mutex(State())

    /// Makes one that watches nothing yet.
    ///
    /// - Throws: EMFILE where the user has no more of them, or the errno of pipe2(2).
    public init() throws(SyscallError) {
        let number = inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK))
        guard number >= 0 else { throw SyscallError("inotify_init1", errno) }
        queue = OwnedFD(number)
        let pipe = try DescriptorPair.pipe().release()
        wakeReader = OwnedFD(pipe.first)
        wakeWriter = OwnedFD(pipe.second)
    }

    /// Watches exactly these directories from now on.
    ///
    /// - Parameters:
    ///   - directories: those that were listed.
    ///   - roots: the sources' own; their names are watched from above, since one may be replaced whole.
    /// - Returns: whether one of them was not watched before: what was saved in it meanwhile went unnoticed.
    public func watch(_ directories: [String], roots: [String]) -> Bool {
        var parents: [String: Set<String>] = [:]
        for root in roots {
            let parts = root.split(separator: "/")
            guard let name = parts.last else { continue }
            parents["/" + parts.dropLast().joined(separator: "/"), default: []].insert(String(name))
        }
        for directory in directories { parents[directory] = nil }
        let only = parents
        return state.withLock { state in
            var isNew = false
            var paths: [CInt: String] = [:]
            for directory in directories + only.keys {
                // One that is gone by now is noticed from above.
                let number = unsafe inotify_add_watch(queue.rawValue, directory, Self.events)
                guard number >= 0 else { continue }
                if state.paths[number] == nil { isNew = true }
                paths[number] = directory
            }
            for number in state.paths.keys where paths[number] == nil {
                // EINVAL: its directory is gone, and the watch with it.
                _ = inotify_rm_watch(queue.rawValue, number)
            }
            state.paths = paths
            state.parents = only
            return isNew
        }
    }

    /// Whether something was saved since this was last asked.
    public func takeChange() -> Bool {
        state.withLock { state in
            drain(&state)
            defer { state.isDirty = false }
            return state.isDirty
        }
    }

    /// Waits until something was saved and nothing more came for a moment.
    ///
    /// - Parameter settleMilliseconds: how long a moment is; a save by an editor is several events.
    /// - Returns: false when it was closed.
    public func wait(settleMilliseconds: Int32 = 50) -> Bool {
        while true {
            guard ready(timeout: -1) else { return false }
            var isDirty = false
            var rounds = 0
            repeat {
                isDirty = state.withLock { state in
                    drain(&state)
                    return state.isDirty
                }
                rounds += 1
                // Somebody who saves without a pause is not waited for longer than a second.
                guard isDirty, rounds < 20 else { break }
                guard !isClosed else { return false }
            } while ready(timeout: settleMilliseconds)
            if isDirty { return true }
            // What was drained was about other names, or another thread took the change.
            if isClosed { return false }
        }
    }

    /// Wakes whoever waits, for good.
    public func close() { try? writeAll([0], to: wakeWriter.rawValue) }

    private var isClosed: Bool { (try? waitReadable(wakeReader.rawValue, milliseconds: 0)) == true }

    /// Whether an event is there within that time; false also when it was closed.
    private func ready(timeout: Int32) -> Bool {
        var polled = [
            pollfd(fd: queue.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeReader.rawValue, events: Int16(POLLIN), revents: 0),
        ]
        while unsafe poll(&polled, 2, timeout) < 0 { guard errno == EINTR else { return false } }
        return polled[1].revents == 0 && polled[0].revents != 0
    }

    private func drain(_ state: inout State) {
        // EAGAIN is the end of the queue.
        while let bytes = try? readSome(65536, from: queue.rawValue), !bytes.isEmpty {
            var at = 0
            // struct inotify_event: wd, mask, cookie, len, then len bytes of name; inotify(7).
            while at + 16 <= bytes.count {
                let number = CInt(bitPattern: Self.word(bytes, at))
                let mask = Self.word(bytes, at + 4)
                let length = Int(Self.word(bytes, at + 12))
                let name = bytes[min(at + 16, bytes.count)..<min(at + 16 + length, bytes.count)].prefix { $0 != 0 }
                at += 16 + length
                if matters(number, mask, String(decoding: name, as: UTF8.self), state) { state.isDirty = true }
            }
        }
    }

    private func matters(_ number: CInt, _ mask: UInt32, _ name: String, _ state: State) -> Bool {
        // The queue was too short: anything may have happened.
        if mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
        if mask & UInt32(IN_IGNORED) != 0 { return false }
        guard let path = state.paths[number] else { return false }
        if let names = state.parents[path] { return names.contains(name) }
        // A new file counts when it is closed; a new directory, link or hard link has no such event.
        if mask & UInt32(IN_CREATE) != 0, mask & UInt32(IN_ISDIR) == 0 {
            return (try? kind(of: "\(path)/\(name)")) != .regular || Self.hasLinks("\(path)/\(name)")
        }
        return true
    }

    private static func hasLinks(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_nlink > 1
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
    }
}
