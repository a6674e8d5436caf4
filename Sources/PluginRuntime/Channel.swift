public import PluginProtocol

/// The one line to the host.
public protocol SupervisorChannel: AnyObject {
    /// Sends a whole frame, or ends the process when the host is gone.
    func send(_ frame: SupervisorFrame)
    /// The next frame; ends the process when the host is gone or sent what is no frame.
    func receive() -> HostFrame
    /// Ends the process in good order.
    func end() -> Never
}
