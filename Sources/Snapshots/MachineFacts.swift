import SystemLayer

/// What a machine is, as far as a memory image depends on it.
public struct MachineFacts: Sendable, Equatable, Codable {
    /// In the contract's words: `amd64`, `arm64`.
    public var arch: String
    /// The kernel's release; told, not checked.
    public var kernel: String?
    /// What the processor can do, in the kernel's words, sorted; only where the snapshot holds memory.
    public var cpuFeatures: [String]?

    /// Makes some.
    public init(arch: String, kernel: String?, cpuFeatures: [String]?) {
        self.arch = arch
        self.kernel = kernel
        self.cpuFeatures = cpuFeatures
    }

    /// This machine's.
    public static let here: MachineFacts = {
        let release = TextFile.read("/proc/sys/kernel/osrelease").map { String($0.prefix { $0 != "\n" }) }
        let features = TextFile.read("/proc/cpuinfo").map(Self.features) ?? []
        return MachineFacts(arch: arch, kernel: release, cpuFeatures: features.isEmpty ? nil : features)
    }()

    #if arch(arm64)
    private static let arch = "arm64"
    #else
    private static let arch = "amd64"
    #endif

    /// What every processor in a `/proc/cpuinfo` can do.
    static func features(_ text: String) -> [String] {
        var common: Set<Substring>?
        for line in text.split(separator: "\n") where line.hasPrefix("flags") || line.hasPrefix("Features") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let words = Set(line[line.index(after: colon)...].split { $0 == " " || $0 == "\t" })
            common = common.map { $0.intersection(words) } ?? words
        }
        return (common ?? []).map(String.init).sorted()
    }

    /// These without what only a memory image depends on.
    public var forData: MachineFacts { MachineFacts(arch: arch, kernel: kernel, cpuFeatures: nil) }
}
