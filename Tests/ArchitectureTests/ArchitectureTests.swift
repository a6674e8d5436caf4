import Foundation
import Testing

/// The house as DESIGN draws it: the rooms, what each may use, and which stay fit for the static binaries.
struct Room {
    let uses: Set<String>
    var isStatic = false
}

private let hostRooms: Set<String> = [
    "SystemLayer", "ActorContract", "PluginProtocol", "Telemetry", "LaunchProtocol", "Confinement", "Transfer",
    "ActorNetwork", "Assets", "Images", "Snapshots", "Threads",
]

/// Every room may use `HostErrors` and the C bridges it owns; otherwise only what its row names.
let rooms: [String: Room] = [
    "HostErrors": Room(uses: [], isStatic: true),
    "SystemLayer": Room(uses: ["CSystemShims"], isStatic: true),
    "ActorContract": Room(uses: []),
    "PluginProtocol": Room(uses: [], isStatic: true),
    // The words of `plugin …` as data: the host completes them and links nothing of what they do.
    "PluginCommands": Room(uses: [], isStatic: true),
    "Telemetry": Room(uses: []),
    // The one place that starts threads; the static binaries have none.
    "Threads": Room(uses: ["SystemLayer"]),
    "LaunchProtocol": Room(uses: ["SystemLayer"], isStatic: true),
    "Confinement": Room(uses: ["SystemLayer", "CSystemShims", "CSupervisorShims"], isStatic: true),
    "LuaEngine": Room(uses: ["CLuaBridge"], isStatic: true),
    "Unpacking": Room(uses: ["SystemLayer", "CArchive", "CZstd"], isStatic: true),
    "Transfer": Room(uses: ["SystemLayer", "Telemetry", "Threads", "CCurlBridge", "CCrypto"]),
    "ActorNetwork": Room(uses: ["SystemLayer", "Threads", "ActorContract", "CNetworkBridge"]),
    "ContractWire": Room(uses: ["ActorContract", "CContractMessages", "CProtobufC"]),
    // SystemLayer for owned descriptors: it accepts connections itself.
    "GRPCTransport": Room(uses: ["SystemLayer", "Threads", "Telemetry", "CGRPCBridge"]),
    "PluginRuntime": Room(uses: ["LuaEngine", "PluginProtocol"], isStatic: true),
    "PluginOverlays": Room(uses: ["SystemLayer", "Telemetry"]),
    "Assets": Room(uses: ["Transfer", "SystemLayer", "Telemetry"]),
    // LaunchProtocol for the room that the program which speaks to registries runs in.
    "Images": Room(uses: ["Assets", "Transfer", "SystemLayer", "Telemetry", "LaunchProtocol"]),
    "Snapshots": Room(uses: ["Assets", "Transfer", "SystemLayer", "Telemetry", "CZstd"]),
    "PluginHost": Room(uses: hostRooms.union(["PluginOverlays"])),
    "PluginAuthoring": Room(
        uses: [
            "SystemLayer", "PluginProtocol", "PluginCommands", "PluginHost", "PluginOverlays", "Transfer", "Telemetry",
        ]
    ),
    "substrate-plugin": Room(
        uses: [
            "SystemLayer", "ActorContract", "PluginProtocol", "PluginCommands", "PluginAuthoring", "PluginHost",
            "PluginOverlays",
            "PluginTesting", "PluginConformance", "Transfer", "Telemetry",
        ]
    ),
    "ActorLifecycle": Room(uses: hostRooms.union(["CSQLite"])),
    "HostService": Room(uses: ["ActorLifecycle", "ContractWire", "ActorContract", "GRPCTransport", "Telemetry"]),
    "PluginConformance": Room(
        uses: hostRooms.union(["ActorLifecycle", "PluginHost", "PluginOverlays", "PluginCommands", "PluginAuthoring"])
    ),
    "substrate-host": Room(
        uses: hostRooms.union(["HostService", "ActorLifecycle", "PluginHost", "PluginOverlays", "ContractWire"])
            .union(["GRPCTransport", "CYAML", "CGRPC", "PluginCommands"])
    ),
    "substrate-supervisor": Room(
        uses: ["SystemLayer", "PluginProtocol", "PluginRuntime", "Confinement", "LuaEngine"],
        isStatic: true
    ),
    "substrate-launch": Room(
        uses: ["SystemLayer", "LaunchProtocol", "Confinement", "CSystemShims"],
        isStatic: true
    ),
    "substrate-unpack": Room(uses: ["SystemLayer", "Unpacking", "Confinement"], isStatic: true),
    // Lifecycle and stores for --real alone: the actors' real life on this machine.
    "PluginTesting": Room(
        uses: [
            "SystemLayer", "ActorContract", "PluginProtocol", "PluginHost", "PluginOverlays", "Telemetry", "Transfer",
            "ActorLifecycle", "Images", "Assets", "Snapshots", "PluginCommands", "PluginAuthoring",
        ]
    ),
    "TestSupport": Room(uses: hostRooms.union(["ContractWire", "GRPCTransport"])),
    "substrate-bench": Room(
        uses: [
            "SystemLayer", "GRPCTransport", "ContractWire", "ActorContract", "PluginProtocol", "Assets", "Snapshots",
            "Transfer",
        ]
    ),
]

/// Modules of the system that any room may import; Foundation only outside the static rooms.
private let systemModules: Set<String> = ["Glibc", "Synchronization"]
private let richModules: Set<String> = ["Dispatch", "Foundation", "FoundationEssentials"]

@Suite("Architecture")
struct ArchitectureTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let sources = root.appendingPathComponent("Sources")

    struct Source {
        /// Beneath `Sources`.
        let path: String
        let lines: [Substring]
        var room: String { String(path.prefix { $0 != "/" }) }
    }

    /// Every hand-written file of the endings.
    static func files(_ endings: Set<String>) throws -> [Source] {
        let walk = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var found: [Source] = []
        for case let file as URL in walk where endings.contains(file.pathExtension) {
            // Generated by protoc-c, checked by regenerating it.
            if file.lastPathComponent.contains(".pb-c.") { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            let path = String(file.path.dropFirst(sources.path.count + 1))
            found.append(Source(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
        }
        return found
    }

    /// The module of an import line, whatever stands before and after it.
    static func importedModule(_ line: some StringProtocol) -> String? {
        var words = String(line).split(separator: Character(" ")).map(String.init)
        while let first = words.first,
            first.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(first)
        {
            words.removeFirst()
        }
        guard words.count >= 2, words[0] == "import" else { return nil }
        let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
        return String(name.prefix { $0 != "." && $0 != ";" })
    }

    @Test("every import is one that its room may make")
    func imports() throws {
        let files = try Self.files(["swift"])
        #expect(files.count > 10)
        for file in files {
            guard let room = rooms[file.room] else {
                Issue.record("\(file.path): the room \(file.room) is not in DESIGN's table")
                continue
            }
            var allowed = room.uses.union(systemModules).union(["HostErrors"])
            if !room.isStatic { allowed.formUnion(richModules) }
            for (index, line) in file.lines.enumerated() {
                guard let module = Self.importedModule(line), !allowed.contains(module) else { continue }
                Issue.record("\(file.path):\(index + 1): \(file.room) may not import \(module)")
            }
        }
    }

    @Test("every dependency of the manifest is one that its room may have")
    func manifest() throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let declared = Self.declaredRooms(text)
        #expect(Set(declared.keys) == Set(rooms.keys))
        for (name, uses) in declared {
            guard let room = rooms[name] else { continue }
            let extra = uses.subtracting(room.uses).subtracting(["HostErrors"])
            #expect(extra.isEmpty, "\(name) may not depend on \(extra.sorted())")
        }
    }

    /// `room("Name", [...])` and `.executableTarget(name: "Name", dependencies: [...])`, read as text.
    static func declaredRooms(_ manifest: String) -> [String: Set<String>] {
        let code = manifest.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            .joined(separator: "\n")
        var result: [String: Set<String>] = [:]
        for opening in ["room(", ".executableTarget("] {
            for piece in code.components(separatedBy: opening).dropFirst() {
                // A declaration of the function itself has no string first.
                let start = piece.drop { $0 == " " || $0 == "\n" }
                let named = opening == "room(" ? start : start.drop { $0 != "\"" }
                guard named.hasPrefix("\"") else { continue }
                let name = named.dropFirst().prefix { $0 != "\"" }
                let rest = named.dropFirst(name.count + 2)
                // The end of the name's argument list comes before the next bracket when there are no dependencies.
                let next = rest.first { $0 == ")" || $0 == "[" }
                guard next == "[" else {
                    result[String(name)] = []
                    continue
                }
                let list = rest.drop { $0 != "[" }.prefix { $0 != "]" }
                let parts = list.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
                result[String(name)] = Set(parts.filter { $0.offset % 2 == 1 }.map { String($0.element) })
            }
        }
        return result
    }

    @Test("nothing that serves is linked with a fake")
    func noFakes() throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let declared = Self.declaredRooms(text)
        for binary in ["substrate-host", "substrate-supervisor", "substrate-launch", "substrate-unpack"] {
            var linked: Set<String> = [binary]
            var rest = [binary]
            while let room = rest.popLast() {
                for used in declared[room] ?? [] where linked.insert(used).inserted { rest.append(used) }
            }
            #expect(linked.count > 3, "\(binary)")
            #expect(linked.isDisjoint(with: ["PluginTesting", "TestSupport"]), "\(binary)")
        }
        #expect(declared["substrate-plugin"]?.contains("PluginTesting") == true)
    }

    @Test("no backend is named but in the one constant that the contract demands")
    func backendNames() throws {
        for file in try Self.files(["swift", "c", "h", "proto"]) {
            for (index, line) in file.lines.enumerated() {
                let shown = line.replacingOccurrences(of: "\"runsc-\"", with: "")
                    .replacingOccurrences(of: "O_TRUNC", with: "")
                if let name = Self.backendName(in: shown) {
                    Issue.record("Sources/\(file.path):\(index + 1): names the backend \(name)")
                }
            }
        }
        #expect(Self.backendName(in: "let path = runscPath") == "runsc")
        #expect(Self.backendName(in: "case useRunc") == "runc")
        #expect(Self.backendName(in: "// gVisor does") == "gvisor")
        #expect(Self.backendName(in: "ftruncate(descriptor)") == nil)
    }

    /// A backend's name that stands as a word or as a part of a camel-case word.
    static func backendName(in line: String) -> String? {
        let letters = Array(line)
        for name in ["runsc", "gvisor", "runc", "crun", "criu", "kata"] {
            let word = Array(name)
            guard letters.count >= word.count else { continue }
            for start in 0...letters.count - word.count {
                let part = letters[start..<start + word.count]
                guard part.map({ Character($0.lowercased()) }) == word else { continue }
                let startsWord = start == 0 || !letters[start - 1].isLetter || letters[start].isUppercase
                let end = start + word.count
                let endsWord = end == letters.count || !letters[end].isLetter || letters[end].isUppercase
                if startsWord, endsWord { return name }
            }
        }
        return nil
    }

    @Test("nothing that serves can start a supervisor without its namespaces")
    func servingIsPrivileged() throws {
        let words = ["SupervisorConfinement.unprivileged", ".unprivileged", "forAuthor"]
        let serving: Set = ["substrate-host", "HostService", "ActorLifecycle"]
        let files = try Self.files(["swift"])
        func mentions(_ file: Source) -> Bool { file.lines.contains { line in words.contains { line.contains($0) } } }
        // Commands that load scripts and serve none; no other file may use its pool.
        let loading = "substrate-host/FoundBackends.swift"
        let commands: Set = [loading, "substrate-host/OverlaysCommand.swift"]
        for file in files where !commands.contains(file.path) {
            #expect(
                !file.lines.contains { $0.contains("loadingPool") },
                "Sources/\(file.path) takes a pool that serves none"
            )
        }
        for file in files where serving.contains(file.room) && file.path != loading && mentions(file) {
            Issue.record("Sources/\(file.path) names the confinement that is for authors alone")
        }
        // The words are the ones in use: a new name would pass unseen.
        #expect(files.contains { $0.room == "PluginHost" && mentions($0) })
    }

    @Test("the table of the documentation has every room once, and marks those that are static")
    func documentedRooms() throws {
        let page = Self.root.appendingPathComponent("Sources/substrate-host/Documentation.docc/substrate-host.md")
        let table = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| `") }
        var listed: [String: Bool] = [:]
        for row in table {
            // A cell may name several; the mark stands behind each.
            let cell = row.dropFirst().prefix { $0 != "|" }
            for piece in cell.split(separator: "`", omittingEmptySubsequences: false).dropFirst().enumerated()
            where piece.offset % 2 == 0 {
                let after = cell.split(separator: "`", omittingEmptySubsequences: false).dropFirst(piece.offset + 2)
                    .first
                let name = String(piece.element)
                #expect(listed[name] == nil, "\(name) stands there twice")
                listed[name] = after?.contains("●") == true
            }
        }
        #expect(Set(listed.keys) == Set(rooms.keys))
        for (name, isMarked) in listed { #expect(isMarked == rooms[name]?.isStatic, "the mark of \(name)") }
    }

    @Test("no file is longer than 400 lines")
    func lengths() throws {
        for file in try Self.files(["swift", "c", "h"]) {
            // A file that ends its last line has an empty piece behind it.
            #expect(file.lines.count <= 401, "Sources/\(file.path) has \(file.lines.count - 1) lines")
        }
    }

    @Test("import lines are read in all their forms")
    func parsing() {
        #expect(Self.importedModule("public import Foo") == "Foo")
        #expect(Self.importedModule("@testable import Foo") == "Foo")
        #expect(Self.importedModule("import struct Foo.Bar") == "Foo")
        #expect(Self.importedModule("@preconcurrency internal import Foo // why") == "Foo")
        #expect(Self.importedModule("let important = 1") == nil)
        #expect(Self.importedModule("// import Foo") == nil)
        #expect(Self.declaredRooms("room(\"A\"),\nroom(\n \"B\",\n [\"C\", \"D\"])") == ["A": [], "B": ["C", "D"]])
    }
}
