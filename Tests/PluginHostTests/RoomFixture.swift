import ActorContract
import ActorNetwork
import Foundation
import Glibc
import HostErrors
import PluginProtocol
import SystemLayer
import TestSupport

@testable import PluginHost

/// An actor with a real cgroup and directories, whose verbs start programs through the real launcher.
final class RoomFixture {
    static let canLaunch = TestMachine.needs(TestMachine.isRoot)
    let base: String
    let places: ActorDirectories
    let layout = CgroupLayout.detect()
    let cgroup = "substrate/room-\(UUID().uuidString.prefix(12))/actor"
    var actor: PreparedActor
    /// Granted as `sh` and by its own name.
    var grants: Grants

    init(network: Bool = false) throws {
        base = FileManager.default.temporaryDirectory.appendingPathComponent("room-\(UUID().uuidString)").path
        places = ActorDirectories("\(base)/actors/one")
        for path in [places.work, places.runtime, places.bundles, places.logs, places.exits, places.roots] {
            try DirectoryTree.make(path)
        }
        try DirectoryTree.make(places.identity, mode: 0o755)
        try "secret".write(toFile: "\(base)/journal", atomically: false, encoding: .utf8)
        _ = try Cgroup.create(layout: layout, name: cgroup, limits: CgroupLimits(pids: 512))
        actor = PreparedActor(
            identity: ActorIdentity(
                key: .june(namespace: "ns", template: "t", id: "one"),
                uid: "",
                templateNamespace: "ns",
                template: "t"
            ),
            slot: "s",
            directory: places.root,
            cgroup: cgroup
        )
        if network {
            let path = "\(base)/actors/one/network"
            try ActorNamespace().pin(at: path)
            actor.networkNamespace = path
        }
        grants = Grants([.workload])
        grants.tools = ["sh": "/bin/sh", "true": "/bin/true", "cat": "/bin/cat", "gone": "/usr/bin/no-such-tool"]
    }

    deinit {
        let group = Cgroup.open(layout: layout, name: cgroup)
        group.kill()
        try? group.remove()
        for path in Cgroup.open(layout: layout, name: String(cgroup.dropLast(6))).directories { _ = unsafe rmdir(path) }
        try? ActorNamespace.remove(at: "\(base)/actors/one/network")
        try? FileManager.default.removeItem(atPath: base)
    }

    /// One verb of this actor.
    func verb(
        _ name: String = "run",
        milliseconds: Int64 = 20_000,
        journal: MemoryJournal = MemoryJournal(),
        cancellation: TestCancellation = TestCancellation(),
        request: VerbRequest = VerbRequest()
    ) -> RoomVerb {
        var request = request
        request.timeoutMilliseconds = milliseconds
        let context = VerbContext(
            verb: name,
            actor: actor,
            request: request,
            effects: journal,
            companions: Companions(directory: TestMachine.products),
            layout: layout,
            deadline: .now + .milliseconds(milliseconds),
            cancellation: cancellation,
            grants: grants,
            file: "x.lua"
        )
        return RoomVerb(context)
    }

    /// Who is in the actor's cgroup or below it.
    var processes: [Int32] { Cgroup.open(layout: layout, name: cgroup).processes() }

    /// The cgroups that programs had and that are still there.
    var leaves: [String] {
        let group = Cgroup.open(layout: layout, name: cgroup)
        let path = group.v2Path ?? group.v1Paths.first ?? ""
        return ((try? DirectoryTree.names(in: path)) ?? []).filter { $0.hasPrefix("run.") || $0.hasPrefix("kept.") }
    }
}

/// A verb under way: what it started ends with it.
final class RoomVerb {
    let context: VerbContext
    let broker: Broker
    private var isOver = false

    init(_ context: VerbContext) {
        self.context = context
        broker = Broker(context, needs: HostFunction.table.map(\.name))
    }

    deinit { end(keeping: []) }

    /// Ends it.
    @discardableResult
    func end(keeping kept: [KeptProcess]) -> [LeakedProgram] {
        guard !isOver else { return [] }
        isOver = true
        return context.room.finish(keeping: kept, client: nil)
    }

    func frame(_ function: String, _ fields: [String: PluginValue]) throws -> HostFrame {
        try broker.answer("\(function)@1", .map(fields), line: 7)
    }

    func call(_ function: String, _ fields: [String: PluginValue]) throws -> ReplyFrame {
        guard case .reply(let reply) = try frame(function, fields) else {
            throw TestFailure("\(function): \(try frame(function, fields))")
        }
        return reply
    }

    /// `process.run` of a shell script.
    func shell(_ script: String, _ more: [String: PluginValue] = [:]) throws -> ReplyFrame {
        try call("process.run", Self.shell(script, more))
    }

    /// What a shell script prints, its last line end dropped.
    func output(_ script: String, _ more: [String: PluginValue] = [:]) throws -> String {
        let reply = try shell(script, more)
        guard reply.status == "ok", let end = Self.table(reply.values.first) else {
            throw TestFailure("\(script): \(reply)")
        }
        return Self.text(end["stdout"]).trimmingCharacters(in: .newlines)
    }

    static func shell(_ script: String, _ more: [String: PluginValue] = [:]) -> [String: PluginValue] {
        let fields: [String: PluginValue] = [
            "program": .text("/bin/sh"), "args": .list([.text("-c"), .text(script)]),
        ]
        return fields.merging(more) { $1 }
    }

    static func table(_ value: PluginValue?) -> [String: PluginValue]? {
        if case .map(let fields)? = value { fields } else { nil }
    }

    static func text(_ value: PluginValue?) -> String {
        switch value {
        case .bytes(let bytes)?: String(decoding: bytes, as: UTF8.self)
        case .text(let text)?: text
        default: ""
        }
    }
}
