import Glibc
import HostErrors
import SystemLayer

/// `plugin`: what authors of backends need is a program of its own, so that this one links no fake of anything.
enum PluginProgram {
    /// Becomes it.
    ///
    /// - Parameter words: what follows `plugin`.
    /// - Returns: why that could not be; where it can, nothing returns.
    static func become(_ words: [String]) -> HostError {
        let program = "\(Program.directory)/substrate-plugin"
        // Only the caller's own words and environment cross.
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + words).map { unsafe strdup($0) } + [nil]
        let failed = unsafe execv(program, &arguments)
        let error = SyscallError("execv", failed < 0 ? errno : 0, program)
        unsafe arguments.forEach { unsafe free($0) }
        return HostError(
            .failedPrecondition,
            .machine,
            "\(program) cannot be run (\(error)): it belongs beside this program, as make build leaves it"
        )
    }
}
