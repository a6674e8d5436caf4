import ActorContract
import Confinement
import FoundationEssentials
import Glibc
import HostErrors
import SystemLayer

/// The config.json of a container's bundle.
///
/// - Source: contract §3.4 for what an actor is given; OCI runtime specification 1.0.2 for the words. Beyond the
///   contract: no new privileges, `/dev/pts`, `/dev/shm`, and what the machine tells in /proc and /sys is covered.
struct BundleSpecification {
    /// nil for the root of a sandbox, in which only a program that waits is.
    private let prepared: PreparedContainer?
    private let root: String
    private let actor: PreparedActor
    private let annotations: [String: String]
    private let seccomp: RuntimeProfile?
    private let isMasked: Bool
    private let joinsNetwork: Bool
    private let users: UInt32?

    init(
        _ prepared: PreparedContainer?,
        root: String,
        of actor: PreparedActor,
        annotations: [String: String],
        seccomp: RuntimeProfile?,
        isMasked: Bool,
        joinsNetwork: Bool = true,
        users: UInt32? = nil
    ) {
        self.prepared = prepared
        self.root = root
        self.actor = actor
        self.annotations = annotations
        self.seccomp = seccomp
        self.isMasked = isMasked
        self.joinsNetwork = joinsNetwork
        self.users = users
    }

    /// The file: two spaces a level, keys in order, so that the same container is the same bytes.
    ///
    /// - Throws: EINVAL for text that JSON cannot hold; the request was checked for that before.
    func encoded() throws(SyscallError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do { return [UInt8](try encoder.encode(document)) } catch {
            throw SyscallError("encode", EINVAL, "config.json: \(error)")
        }
    }

    private var document: Document {
        let container = prepared?.container
        let capabilities = container.map(WorkloadCapabilities.names) ?? []
        let places = ActorDirectories(actor.directory)
        let variables = container?.environment.map { "\($0.name)=\($0.value)" } ?? []
        return Document(
            process: Document.Process(
                args: container.map { $0.command + $0.args } ?? ["/\(WriteBundle.sandboxRoot)"],
                env: [WorkloadStart.searchPath] + variables,
                capabilities: Document.Capabilities(
                    bounding: capabilities,
                    effective: capabilities,
                    inheritable: [],
                    permitted: capabilities
                )
            ),
            root: Document.Root(path: container.map { places.merged($0.name) } ?? root),
            mounts: mounts,
            annotations: annotations,
            linux: Document.Linux(
                namespaces: namespaces,
                uidMappings: users.map { [Document.Mapping(hostID: $0)] },
                gidMappings: users.map { [Document.Mapping(hostID: $0)] },
                maskedPaths: isMasked ? ContainerRoot.maskedPaths : [],
                readonlyPaths: isMasked ? ContainerRoot.readOnlyPaths : [],
                seccomp: seccomp.map { profile in
                    Document.Seccomp(
                        defaultErrnoRet: profile.otherwise,
                        syscalls: profile.rules.map(Document.Rule.init)
                    )
                }
            )
        )
    }

    private var volumes: [Document.Mount] {
        guard let container = prepared?.container else { return [] }
        return actor.mounts(of: container).map { bind($0.source, $0.target, $0.readOnly ? "ro" : "rw") }
    }

    private func bind(_ source: String, _ target: String, _ mode: String) -> Document.Mount {
        Document.Mount(
            destination: target,
            type: "bind",
            source: source,
            options: ["bind", mode, "nosuid", "nodev"]
        )
    }

    private var namespaces: [Document.Namespace] {
        (["pid", "ipc", "uts", "mount"] + (users == nil ? [] : ["user"])).map { Document.Namespace(type: $0) }
            // Without an entry a container stays in its runtime's. An actor without one of its own gets an empty one.
            + (joinsNetwork || actor.networkNamespace == nil
                ? [Document.Namespace(type: "network", path: actor.networkNamespace)] : [])
    }

    /// With a user namespace the root has the rest already, as the launcher of the runtime shows it there.
    private var mounts: [Document.Mount] {
        if users != nil { return Self.system.filter { $0.destination != "/sys" } }
        return Self.system
            + (prepared == nil
                ? [] : [bind(ActorDirectories(actor.directory).identity, "/run/ate", "ro")] + volumes)
    }

    private static let system = [
        Document.Mount(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
        Document.Mount(
            destination: "/dev",
            type: "tmpfs",
            source: "tmpfs",
            options: ["nosuid", "strictatime", "mode=755", "size=64k"]
        ),
        Document.Mount(
            destination: "/dev/pts",
            type: "devpts",
            source: "devpts",
            options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
        ),
        Document.Mount(
            destination: "/dev/shm",
            type: "tmpfs",
            source: "shm",
            options: ["nosuid", "noexec", "nodev", "mode=1777", "size=64m"]
        ),
        Document.Mount(
            destination: "/sys",
            type: "sysfs",
            source: "sysfs",
            options: ["nosuid", "noexec", "nodev", "ro"]
        ),
    ]
}

/// The parts of the file that are written.
private struct Document: Encodable {
    struct Process: Encodable {
        let user = User()
        let args: [String]
        let env: [String]
        let cwd = "/"
        let capabilities: Capabilities
        let rlimits = [Limit()]
        let noNewPrivileges = true
    }

    /// A workload is 0:0 inside (contract §3.3).
    struct User: Encodable {
        let uid = 0
        let gid = 0
    }

    struct Capabilities: Encodable {
        let bounding: [String]
        let effective: [String]
        let inheritable: [String]
        let permitted: [String]
    }

    struct Limit: Encodable {
        let type = "RLIMIT_NOFILE"
        let hard = 1024
        let soft = 1024
    }

    struct Root: Encodable {
        let path: String
        let readonly = false
    }

    struct Mount: Encodable {
        let destination: String
        let type: String
        let source: String
        let options: [String]
    }

    struct Namespace: Encodable {
        let type: String
        var path: String?
    }

    struct Mapping: Encodable {
        let containerID = 0
        let hostID: UInt32
        let size = UserNamespace.size
    }

    struct Linux: Encodable {
        let namespaces: [Namespace]
        let uidMappings: [Mapping]?
        let gidMappings: [Mapping]?
        let maskedPaths: [String]
        let readonlyPaths: [String]
        let seccomp: Seccomp?
    }

    struct Seccomp: Encodable {
        let defaultAction = "SCMP_ACT_ERRNO"
        let defaultErrnoRet: UInt16
        let syscalls: [Rule]
    }

    struct Rule: Encodable {
        let names: [String]
        let action: String
        let errnoRet: UInt16?
        let args: [Argument]

        init(_ rule: RuntimeProfile.Rule) {
            names = rule.calls
            action = rule.errno == nil ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO"
            errnoRet = rule.errno
            args = rule.tests.map(Argument.init)
        }
    }

    struct Argument: Encodable {
        let index: UInt32
        let value: UInt64
        let valueTwo: UInt64
        let op: String

        init(_ test: RuntimeProfile.Test) {
            index = test.argument
            value = test.value
            valueTwo = test.second
            op = test.comparison.rawValue
        }
    }

    let ociVersion = "1.0.2"
    let process: Process
    let root: Root
    let hostname = "actor"
    let mounts: [Mount]
    let annotations: [String: String]
    let linux: Linux
}
