public import PluginHost

/// What a run of the suite needs beside the script.
public struct ConformanceSettings: Sendable {
    /// The directory of the host's own programs, absolute.
    public var companions: String
    /// An OCI layout made as `examples/counter/build-image` makes it, `oci:DIR:counter`; nil builds one.
    public var image: String?
    /// What the operator lets the script do; nil: the defaults of where it came from.
    public var grants: Grants?
    /// Assets: name → absolute path of the file.
    public var assets: [String: String] = [:]
    /// The operator's settings of the script: name → value, as it would be written.
    public var config: [String: String] = [:]
    /// The names of the checks to run; empty: all, and the faults.
    public var only: Set<String> = []
    /// Whether faults are injected, too.
    public var faults = true
    /// The verbs in whose calls faults are injected; nil: all.
    public var faultVerbs: Set<String>?
    /// Whether descriptors of this process are counted: right only where nothing else happens in it.
    public var countsDescriptors = false
    /// How many actors live at once, as a rule.
    public var width = 8

    /// What goes wrong below the script; nothing but in tests.
    var sabotage = Sabotage()

    /// Makes settings with the defaults.
    ///
    /// - Parameter companions: the directory of the host's own programs, absolute.
    public init(companions: String) { self.companions = companions }
}
