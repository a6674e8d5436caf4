import Glibc

/// Checks the libraries that are opened when they are first needed.
enum DoctorLibraries {
    /// The file that is opened, what for, and the package that has it.
    private static let wanted = [
        (file: "libcurl.so.4", use: "assets, images and snapshots over HTTP", package: "libcurl4"),
        (file: "libnftables.so.1", use: "egress_gateway", package: "libnftables1"),
        (file: "libssl.so.3", use: "egress_gateway", package: "libssl3"),
    ]

    /// Whether each can be opened; what needs one that is not there fails by name, all else is served.
    static func examine() -> DoctorFinding { examine { canOpen($0) } }

    /// The same of another machine.
    static func examine(_ canOpen: (String) -> Bool) -> DoctorFinding {
        let absent = wanted.filter { !canOpen($0.file) }
        guard !absent.isEmpty else {
            return .present("libraries", needed: false, wanted.map(\.file).joined(separator: ", "))
        }
        return .missing(
            "libraries",
            needed: false,
            "no " + absent.map { "\($0.file) for \($0.use)" }.joined(separator: ", no "),
            mend: "apt-get install \(absent.map(\.package).joined(separator: " "))"
        )
    }

    private static func canOpen(_ file: String) -> Bool {
        guard let handle = unsafe dlopen(file, RTLD_LAZY | RTLD_LOCAL) else { return false }
        unsafe dlclose(handle)
        return true
    }
}
