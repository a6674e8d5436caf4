package import HostErrors
package import PluginProtocol

/// A supervisor that waits for a verb, with or without a script in it.
package struct SpareSupervisor: Sendable {
    /// The process.
    package let process: SupervisorProcess
    /// The script that it has loaded; nil: none yet.
    private(set) var loaded: String?
    /// What came from it and was not used yet.
    package var buffer = FrameBuffer()

    init(_ process: SupervisorProcess) { self.process = process }

    /// Loads a script unless it is there already.
    ///
    /// - Parameters:
    ///   - script: the one that it ends with.
    ///   - deadline: after it the supervisor is killed.
    /// - Throws: what is wrong with the script, with file and line.
    package mutating func load(_ script: ScriptLoad, until deadline: ContinuousClock.Instant) throws(HostError) {
        guard loaded == nil else { return }
        try script.perform(in: process, &buffer, until: deadline)
        loaded = script.key
    }
}
