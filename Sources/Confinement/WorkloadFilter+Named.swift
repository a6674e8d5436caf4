import CSystemShims

extension WorkloadFilter {
    /// The profile of that name, for this machine's architecture.
    ///
    /// - Parameter name: `default`; `none` and unknown names have no filter.
    /// - Returns: the filter, or nil.
    public static func named(_ name: String) -> WorkloadFilter? {
        guard name == "default" else { return nil }
        var actions: [UInt32: FilterAction] = [:]
        func set(_ call: Substring, _ action: FilterAction) {
            let number = unsafe String(call).withCString { unsafe csh_syscall_number($0) }
            // A call that this architecture does not have has no number to be allowed.
            if number >= 0 { actions[UInt32(number)] = action }
        }
        for call in Profiles.allowed.split(whereSeparator: \.isWhitespace) { set(call, .allow) }
        for call in Profiles.refused.split(whereSeparator: \.isWhitespace) { set(call, .refuse(errno: 1)) }
        for (call, action) in Profiles.asked { set(Substring(call), action) }
        return WorkloadFilter(
            program: FilterProgram(actions: actions, otherwise: .refuse(errno: 38)).bytes
        )
    }
}
