import Glibc
import PluginOverlays
import SystemLayer

/// Says what this machine can do, by trying it, and how to mend what it cannot.
enum Doctor {
    /// Every check, in the order of the report.
    ///
    /// Tries namespaces and mounts on a thread of its own that ends with them: nothing is left behind.
    /// - Parameter pluginsDirectory: the value of `--plugins-dir`.
    /// - Returns: one finding a check.
    static func examine(pluginsDirectory: String?) -> [DoctorFinding] {
        [
            kernel(), root(), capabilities(), DoctorCgroups.examine(mounts: text("/proc/self/mounts")),
            DoctorTrial.namespaces(), userNamespaces(), seccomp(), DoctorTrial.landlock(), DoctorTrial.overlayfs(),
            programs(), DoctorSupervisor.examine(program: companionDirectory() + "/substrate-supervisor"),
            DoctorLibraries.examine(), plugins(pluginsDirectory),
        ]
    }

    /// What `serve --require NAME` asks for and this machine lacks.
    ///
    /// - Parameters:
    ///   - names: as given, in any order.
    ///   - findings: of `examine`.
    /// - Returns: the missing ones; empty when all are here.
    /// - Throws: a usage error for a name that no check has.
    static func unmet(_ names: [String], in findings: [DoctorFinding]) throws(UsageError) -> [DoctorFinding] {
        var unmet: [DoctorFinding] = []
        for name in names {
            guard let finding = findings.first(where: { $0.name == name }) else {
                let known = findings.map(\.name).sorted().joined(separator: ", ")
                throw UsageError("serve: --require=\(name) is none of \(known)", command: "serve")
            }
            if !finding.isPresent { unmet.append(finding) }
        }
        return unmet
    }

    /// Prints the findings.
    ///
    /// - Parameters:
    ///   - options: of the command line.
    ///   - output: standard output.
    /// - Returns: failure when something needed is missing.
    static func run(_ options: DoctorOptions, output: ConsoleOutput = .standard) -> ExitCode {
        report(examine(pluginsDirectory: options.pluginsDirectory), json: options.json, output: output)
    }

    /// Prints the findings that are given, and says how to exit.
    static func report(_ findings: [DoctorFinding], json: Bool, output: ConsoleOutput) -> ExitCode {
        let isServable = findings.allSatisfy { $0.isPresent || !$0.isNeeded }
        if json {
            output.json(.members(["ok": .bool(isServable), "checks": .list(findings.map(\.json))]))
            return isServable ? .ok : .failure
        }
        let width = findings.map(\.name.count).max() ?? 0
        for finding in findings {
            let (word, style): (String, ConsoleOutput.Style) =
                finding.isPresent ? ("ok      ", .green) : finding.isNeeded ? ("missing ", .red) : ("without ", .yellow)
            let name = finding.name + String(repeating: " ", count: width - finding.name.count)
            output.line("\(output.styled(word, style))  \(name)  \(ConsoleOutput.printable(finding.detail))")
            if !finding.isPresent {
                output.line("          \(String(repeating: " ", count: width))  → \(finding.mend)")
            }
        }
        output.line()
        output.line(isServable ? "This machine can serve." : "This machine cannot serve: mend what is missing above.")
        if geteuid() != 0 {
            output.line(
                "Without root scripts can be written and tested: plugin new, check, test, watch and doc; overlays check."
            )
        }
        return isServable ? .ok : .failure
    }

    private static func kernel() -> DoctorFinding {
        let release = text("/proc/sys/kernel/osrelease").trimmed
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        // cgroup.kill came with 5.14, the youngest call that the launcher needs.
        guard numbers.count == 2, (numbers[0], numbers[1]) >= (5, 14) else {
            return .missing("kernel", "Linux \(release)", mend: "boot Linux 5.14 or newer (for cgroup.kill)")
        }
        return .present("kernel", "Linux \(release)")
    }

    private static func root() -> DoctorFinding {
        geteuid() == 0
            ? .present("root", "effective user 0")
            : .missing(
                "root",
                "effective user \(geteuid())",
                mend: "start the host as root: it makes namespaces, mounts and cgroups"
            )
    }

    private static func capabilities() -> DoctorFinding {
        // The bits of capability.h that the host or its launcher uses.
        let wanted: [(bit: UInt64, name: String)] = [
            (0, "chown"), (1, "dac_override"), (3, "fowner"), (5, "kill"), (6, "setgid"), (7, "setuid"),
            (8, "setpcap"), (12, "net_admin"), (18, "sys_chroot"), (21, "sys_admin"), (27, "mknod"),
        ]
        let line = text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
        let bits = UInt64(String(line.dropFirst(7)).trimmed, radix: 16) ?? 0
        let lacking = wanted.filter { bits & (1 << $0.bit) == 0 }.map(\.name)
        guard lacking.isEmpty else {
            return .missing(
                "capabilities",
                "without \(lacking.joined(separator: ", "))",
                mend: "start the host with them: in a container, --cap-add; in a unit, CapabilityBoundingSet="
            )
        }
        return .present("capabilities", "all \(wanted.count) that the host uses")
    }

    private static func userNamespaces() -> DoctorFinding {
        let limit = Int(text("/proc/sys/user/max_user_namespaces").trimmed) ?? 0
        return limit > 0
            ? .present("user-namespaces", needed: false, "up to \(limit), for serve --user-namespace")
            : .missing(
                "user-namespaces",
                needed: false,
                "not allowed",
                mend: "sysctl user.max_user_namespaces=10000; without, an actor's root is the machine's root"
            )
    }

    private static func seccomp() -> DoctorFinding {
        let actions = text("/proc/sys/kernel/seccomp/actions_avail").trimmed
        let known = actions.split(separator: " ")
        guard known.contains("kill_process"), known.contains("errno") else {
            return .missing("seccomp", "no filters", mend: "boot a kernel with CONFIG_SECCOMP_FILTER=y")
        }
        return .present("seccomp", actions)
    }

    private static func programs() -> DoctorFinding {
        let directory = companionDirectory()
        let lacking = ["substrate-supervisor", "substrate-launch", "substrate-unpack"].filter {
            unsafe access("\(directory)/\($0)", X_OK) != 0
        }
        guard lacking.isEmpty else {
            return .missing(
                "programs",
                "no \(lacking.joined(separator: ", ")) in \(directory)",
                mend: "make build, and keep the binaries in one directory"
            )
        }
        return .present("programs", "supervisor, launch and unpack in \(directory)")
    }

    private static func plugins(_ option: String?) -> DoctorFinding {
        let found = ShippedPlugins.find(pluginsDirOption: option, executableRealPath: executablePath())
        guard let found, unsafe access(found, R_OK | X_OK) == 0 else {
            return .missing(
                "plugins",
                needed: false,
                found.map { "cannot read \($0)" } ?? "no shipped backends found",
                mend: "name them with --plugins-dir DIR, or bring backends with --overlay DIR"
            )
        }
        return .present("plugins", needed: false, found)
    }

    /// Where the host's other programs should be.
    private static func companionDirectory() -> String {
        let executable = executablePath()
        return executable.lastIndex(of: "/").map { String(executable[..<$0]) } ?? "."
    }

    /// The running binary, its links resolved.
    static func executablePath() -> String {
        guard let path = unsafe realpath("/proc/self/exe", nil) else { return Program.name }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// A small file of /proc as text; empty when it is not there, which the checks report as missing.
    static func text(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        let file = OwnedFD(descriptor)
        let bytes = try? readAll(from: file.rawValue, limit: 1 << 20)
        return String(decoding: bytes ?? [], as: UTF8.self)
    }
}

extension String {
    /// Without white space at either end.
    var trimmed: String {
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}
