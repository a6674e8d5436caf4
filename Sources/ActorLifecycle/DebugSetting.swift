#if DEBUG
import Glibc
#endif

/// What a test may set in the environment of a host; a release build reads none of it.
enum DebugSetting {
    /// Stands for the machine's boot id, so that a test can restart "the machine".
    static var bootID: String? { read("SUBSTRATE_BOOT_ID") }
    /// Stands for `HostSettings.verbsAtOnce`.
    static var verbsAtOnce: Int? { read("SUBSTRATE_VERBS_AT_ONCE").flatMap { Int($0) } }

    /// Stands for /proc/meminfo.
    static var memoryInformation: String? { read("SUBSTRATE_MEMINFO") }

    private static func read(_ name: String) -> String? {
        #if DEBUG
        return unsafe getenv(name).map { unsafe String(cString: $0) }
        #else
        return nil
        #endif
    }
}
