import ActorContract
import LaunchProtocol
import PluginProtocol

/// What `process.run` and `process.start` take alike.
struct ProgramArguments: HostArguments {
    private let fields: CheckedFields
    /// The path that was asked for.
    let program: String
    /// Its name in `actor.processes`.
    let name: String
    let keep: Bool
    let timeoutMilliseconds: Int64?
    let isClient: Bool
    private let codes: Set<Int32>?

    init(_ fields: CheckedFields) {
        self.fields = fields
        program = fields.text("program")
        name = fields.text("name")
        keep = fields.flag("keep")
        timeoutMilliseconds = fields.integer("timeout_ms")
        isClient = fields.text("stdio") == "client"
        codes = fields.text("exit_codes") == "any" ? nil : Set(fields.integers("exit_codes").map(Int32.init(clamping:)))
    }

    /// What the journal says: the program as scripts name it, never its environment or input.
    func target(_ call: HostCall) -> String {
        let program = ArgumentCheck.program(program, among: call.context.programs) ?? program
        return name.isEmpty ? program : "\(name): \(program)"
    }

    /// Whether it asks for what the operator did not grant, and a script can do without.
    func lacksRestore(_ call: HostCall) -> Bool {
        fields.flag("restores") && !call.context.grants.kinds.contains(.restore)
    }

    /// The program as it is to be started.
    ///
    /// - Parameter call: of the script.
    /// - Returns: what the tool room takes.
    /// - Throws: the author's mistake that only the host can see.
    func spec(_ call: HostCall) throws(HostFailure) -> ProgramSpec {
        let grants = call.context.grants
        var spec = ProgramSpec(program: program)
        spec.arguments = fields.texts("args")
        spec.environment = fields.map("env") ?? [:]
        spec.input = fields.bytes("stdin")
        spec.allowed = codes
        guard !lacksRestore(call) else {
            throw Self.mistake(call, "restores", "true", "false", mend: "operator: --grant restore")
        }
        spec.restores = fields.flag("restores")
        spec.hidden = fields.texts("hide")
        spec.refused = fields.texts("refuse")
        spec.filterDescriptor = fields.integer("seccomp_fd").map(Int32.init(clamping:))
        spec.log = fields.text("log")
        for (index, path) in spec.hidden.enumerated() where !ToolPlan.mayHide(path) {
            throw Self.mistake(call, "hide[\(index + 1)]", path, "a path under /proc/sys or /sys")
        }
        let errors = fields.text("errors")
        if !errors.isEmpty {
            guard let (directory, rest) = call.place(errors) else {
                throw Self.mistake(call, "errors", errors, "a file in one of actor.dirs")
            }
            spec.errors = (directory, rest)
        }
        if fields.text("network") == "host" {
            guard grants.kinds.contains(.hostNetwork) else {
                throw Self.mistake(call, "network", "host", "slot", mend: "operator: --grant host-network")
            }
            let containers = call.context.actor.containers.map(\.container.name)
            guard !keep || !containers.contains(name) else {
                throw Self.mistake(call, "network", "host", "slot: \"\(name)\" is a container's own process")
            }
            spec.isOnHostNetwork = true
        }
        for (index, device) in fields.texts("devices").enumerated() {
            guard let path = grants.devices[device] else {
                let granted = grants.devices.keys.sorted().joined(separator: ", ")
                throw Self.mistake(
                    call,
                    "devices[\(index + 1)]",
                    device,
                    granted.isEmpty ? "a granted device; none is granted here" : granted,
                    mend: "operator: --grant device:\(device)=/dev/\(device)"
                )
            }
            spec.devices.append(path)
        }
        let containers = call.context.actor.containers.map(\.container.name)
        guard spec.log.isEmpty || containers.contains(spec.log) else {
            // In the first line, which is all that a test's report shows: a log is a container's, not a program's.
            let known = containers.joined(separator: ", ")
            let also = containers.isEmpty ? "; the actor has no container" : "; the containers are \(known)"
            throw Self.mistake(call, "log", spec.log, "a container: \(known)", also: also)
        }
        return spec
    }

    /// A value that fits the table and not this verb.
    static func mistake(
        _ call: HostCall,
        _ field: String,
        _ value: String,
        _ expected: String,
        mend: String = "",
        also: String = ""
    ) -> HostFailure {
        .mistake(
            ArgumentFault(
                code: "api.range",
                message: "\(call.row.name): \(field) is \"\(value.prefix(60))\"\(also)",
                expected: expected,
                mend: mend
            )
        )
    }

    /// Whether a name can stand in paths and lists: small and capital letters, digits, `-` and `_`, at most 127.
    ///
    /// A container has at most 63: what a script adds to its name fits too.
    static func isName(_ name: String) -> Bool {
        (1...127).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
                    || byte == 0x2d || byte == 0x5f
            }
    }
}

extension HostReply {
    /// What it means to the script that a program was not started.
    static func refused(_ failure: ProgramFailure) -> HostReply {
        switch failure {
        case .notFound(let words): .refused(.notFound, words)
        case .exists(let words): .refused(.exists, words)
        case .unsupported(let words): .refused(.unsupported, words)
        case .notRunning(let words): .refused(.notRunning, words)
        case .machine(let error): .refused(.ioError, "the program could not be started: \(error)")
        case .launch(let words): .refused(.ioError, words)
        }
    }
}
