extension HostFunction {
    /// Every function of api 1: the table that everything else is made from.
    ///
    /// A released row never changes its meaning; optional fields may be added to arguments, fields to answers.
    public static let table: [HostFunction] = [
        workloadStart, workloadEnter,
        processRun, processStart, processWait, processStop, processAdopt,
        bundleWrite,
        fileWrite,
        httpRequest,
        assetOpen, assetRead, assetClose, assetLoad, assetState, assetCommit, assetCancel,
        clockLeft, clockSleep,
    ]

    /// The row of that name.
    ///
    /// - Parameter name: with or without `@version`.
    /// - Returns: nil when there is none.
    public static func named(_ name: String) -> HostFunction? {
        table.first { $0.name == name || $0.versionedName == name }
    }

    /// The modules of `host`, in the table's order.
    public static let modules: [String] = table.reduce(into: []) { modules, row in
        if !modules.contains(row.module) { modules.append(row.module) }
    }
}
