import HostErrors
import PluginProtocol

/// Starts one supervisor as every verb does, and has it load a script of one line.
public enum SupervisorTrial {
    private static let script = """
        return { name = "trial", api = 1, isolation = "none", needs = {}, run = function() end, stop = function() end }
        """

    /// What keeps supervisors from starting on this machine.
    ///
    /// Blocks for some milliseconds; leaves nothing behind.
    /// - Parameters:
    ///   - program: the supervisor's executable.
    ///   - confinement: what should surround it.
    /// - Returns: nil when one was confined and answered.
    public static func problem(program: String, confinement: SupervisorConfinement) -> String? {
        let groups = SupervisorGroups(confinement)
        defer { groups.close() }
        do throws(HostError) {
            let deadline = ContinuousClock.now + .seconds(10)
            let supervisor = try SupervisorProcess.start(
                program: program,
                identity: SupervisorPool.trialIdentity,
                confinement: confinement,
                groups: groups
            )
            defer { supervisor.end() }
            var buffer = FrameBuffer()
            try supervisor.send(.load(name: "trial", file: "trial.lua", source: Array(script.utf8)), until: deadline)
            guard case .descriptor = try supervisor.receive(&buffer, until: deadline) else {
                return "it refused a script of one line"
            }
            return nil
        } catch {
            let words = error.context["words"] ?? ""
            return words.isEmpty ? error.message : "\(error.message): \(words.split(separator: "\n").first ?? "")"
        }
    }
}
