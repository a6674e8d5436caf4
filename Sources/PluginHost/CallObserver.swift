package import PluginProtocol

/// One call that the broker is about to do, for who watches: an author's test, or the conformance kit.
package struct ObservedCall: Sendable {
    /// `module.function`.
    package let function: String
    /// What it is about; nil for a mere look or wait.
    package let target: String?
    /// The script's line.
    package let line: UInt32
    /// The verb that the script is in.
    package let verb: String
}

/// Told of each call that passed every check, before it is done and after.
package protocol CallObserver: AnyObject, Sendable {
    /// Before it is done.
    ///
    /// - Returns: a status to answer in its place, with a reason; nil lets it be done.
    func begin(_ call: ObservedCall) -> (status: PluginStatus, reason: String)?
    /// What it was answered.
    func finish(_ call: ObservedCall, status: PluginStatus)
}
