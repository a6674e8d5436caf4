import Glibc
import PluginProtocol
import PluginRuntime
import SystemLayer

/// Frames over one descriptor; every failure of it ends the process, since a supervisor without its host is nothing.
final class SocketChannel: SupervisorChannel {
    /// The host is gone.
    static let exitGone: CInt = 4
    /// The host sent what is no frame.
    static let exitBadFrame: CInt = 5
    /// The confinement could not be had.
    static let exitUnconfined: CInt = 6

    private let descriptor: CInt
    private var buffer = FrameBuffer()

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    func send(_ frame: SupervisorFrame) {
        do {
            try writeAll(frame.encoded(), to: descriptor)
        } catch {
            _exit(Self.exitGone)
        }
    }

    func receive() -> HostFrame {
        do {
            while true {
                if let (kind, payload) = try buffer.next() { return try HostFrame.decode(kind: kind, payload: payload) }
                let some = try readSome(65536, from: descriptor)
                if some.isEmpty { _exit(Self.exitGone) }
                buffer.append(some)
            }
        } catch is FrameError {
            _exit(Self.exitBadFrame)
        } catch {
            _exit(Self.exitGone)
        }
    }

    func end() -> Never { _exit(0) }
}
