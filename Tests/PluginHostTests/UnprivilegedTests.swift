import Foundation
import Glibc
import SystemLayer
import Testing

@testable import PluginHost

/// Supervisors of somebody who is not root.
@Suite struct UnprivilegedTests {
    @Test func rootMayNotLeaveOutWhatRootCanHave() throws {
        let problem = SupervisorTrial.problem(program: try SupervisorBinary.path, confinement: .unprivileged)
        #expect(problem?.contains("cannot confine itself") == true, "\(problem ?? "it started")")
    }

    @Test func itSaysWhatIsLeftOut() {
        #expect(SupervisorConfinement.unprivileged.applied.hasPrefix("filter, limits and no_new_privs; without root"))
        #expect(SupervisorConfinement.forAuthor().separate == (geteuid() == 0))
    }
}
