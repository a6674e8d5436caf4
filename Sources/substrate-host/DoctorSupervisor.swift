import PluginHost

/// Whether scripts can be confined here, and by what: one supervisor is started to see.
enum DoctorSupervisor {
    /// Starts one.
    ///
    /// - Parameter program: the supervisor's executable.
    /// - Returns: what surrounds it beside its filter, or what keeps it from starting.
    static func examine(program: String) -> DoctorFinding {
        let confinement = SupervisorConfinement.detect()
        let problem = SupervisorTrial.problem(program: program, confinement: confinement)
        return report(confinement, problem: problem)
    }

    /// Words for what was found.
    static func report(_ confinement: SupervisorConfinement, problem: String?) -> DoctorFinding {
        if let problem {
            return .missing(
                "supervisor",
                problem,
                mend: "start as root, with all that is named above; no script runs without its confinement"
            )
        }
        if let missing = confinement.missing {
            return .missing("supervisor", needed: false, "\(missing.what); \(confinement.applied)", mend: missing.mend)
        }
        return .present("supervisor", "seccomp filter, empty namespaces, \(confinement.applied)")
    }
}
