import CSystemShims

extension WorkloadFilter {
    /// The profile of that name, for this machine's architecture.
    ///
    /// - Parameter name: `default` or `strict`; `none` and unknown names have no filter.
    /// - Returns: the filter, or nil.
    public static func named(_ name: String) -> WorkloadFilter? {
        guard name == "default" || name == "strict" else { return nil }
        var actions = list(Profiles.allowed, .allow)
        actions.merge(list(Profiles.refused, .refuse(errno: 1))) { $1 }
        actions.merge(table(Profiles.asked)) { $1 }
        if name == "strict" {
            actions.merge(list(Profiles.strictlyRefused, .refuse(errno: 1))) { $1 }
            actions.merge(table(Profiles.strictlyAsked)) { $1 }
        }
        return WorkloadFilter(program: FilterProgram(actions: actions, otherwise: .refuse(errno: 38)).bytes)
    }

    /// A filter that refuses a few calls and allows every other one.
    ///
    /// - Parameter calls: their names; they answer ENOSYS, as if the kernel were older.
    /// - Returns: the filter.
    public static func missing(_ calls: [String]) -> WorkloadFilter {
        let actions = list(calls.joined(separator: " "), .refuse(errno: 38))
        return WorkloadFilter(program: FilterProgram(actions: actions, otherwise: .allow).bytes)
    }

    /// What process number 1 of a container keeps once its workload runs.
    public static var initial: WorkloadFilter {
        let actions = list(Profiles.initial, .allow).merging(table(Profiles.initiallyAsked)) { $1 }
        return WorkloadFilter(program: FilterProgram(actions: actions, otherwise: .refuse(errno: 1)).bytes)
    }

    private static func list(_ calls: String, _ action: FilterAction) -> [UInt32: FilterAction] {
        var actions: [UInt32: FilterAction] = [:]
        actions.reserveCapacity(512)
        // By bytes: this is on the way of every start, and looking for whole characters takes longer than all else.
        for call in calls.utf8.split(whereSeparator: { $0 <= 32 }) {
            if let number = number(String(decoding: call, as: UTF8.self)) { actions[number] = action }
        }
        return actions
    }

    private static func table(_ calls: [String: FilterAction]) -> [UInt32: FilterAction] {
        var actions: [UInt32: FilterAction] = [:]
        for (call, action) in calls { if let number = number(call) { actions[number] = action } }
        return actions
    }

    /// Nil for a call that this architecture does not have: it has no number to be allowed.
    private static func number(_ call: String) -> UInt32? {
        UInt32(exactly: unsafe call.withCString { unsafe csh_syscall_number($0) })
    }
}
