import ActorContract
import Foundation
import HostErrors
import Testing

@testable import ActorLifecycle

@Suite("The journal")
struct JournalTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent("journal-\(UUID())").path
    private var path: String { "\(directory)/journal.sqlite" }

    private func record(_ name: String, _ status: ActorStatus = .ready) -> ActorRecord {
        var container = Container()
        container.name = "main"
        container.command = ["/bin/true"]
        var spec = WorkloadSpec()
        spec.containers = [container]
        spec.volumes = [Volume(name: "data", source: .durableDirectory)]
        let identity = ActorIdentity(
            key: .autumn(atespace: "tests", name: name),
            uid: "uid-\(name)",
            templateNamespace: "tests",
            template: "t"
        )
        var record = ActorRecord(identity: identity, slot: "s", backend: "process", backendSHA256: "00", spec: spec)
        record.status = status
        record.processes = [KeptProcess(name: "main", pid: 7, startTime: 8, nonce: "n")]
        record.state = [1, 0, 255]
        record.snapshot = "kept"
        record.snapshotScope = .data
        record.needsTeardown = true
        return record
    }

    private func scoped(_ body: () throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body()
    }

    @Test("gives back what was put, after a reopening too")
    func roundTrip() throws {
        try scoped {
            let written = record("a")
            do {
                let journal = try Journal(path: path)
                try journal.put(written)
                try journal.setFact("boot.id", [1, 2])
            }
            let journal = try Journal(path: path)
            let (records, broken) = try journal.actors()
            let read = try #require(records.first)
            #expect(records.count == 1 && broken.isEmpty)
            #expect(read.identity == written.identity && read.status == .ready && read.spec == written.spec)
            #expect(read.processes == written.processes && read.state == written.state)
            #expect(read.snapshot == "kept" && read.snapshotScope == .data && read.needsTeardown)
            #expect(try journal.fact("boot.id") == [1, 2])
            try journal.remove(written.identity.key)
            #expect(try journal.actors().records.isEmpty)
        }
    }

    @Test("reports a record that does not decode and gives the others")
    func broken() throws {
        try scoped {
            let journal = try Journal(path: path)
            try journal.put(record("good"))
            let database = try Database(path: path)
            try database.run("INSERT INTO actors(key, record) VALUES(?1, ?2)", [.text("tests/bad"), .blob([0x7B])])
            let (records, broken) = try journal.actors()
            #expect(records.map(\.identity.key.name) == ["good"])
            #expect(broken == ["tests/bad"])
        }
    }

    @Test("refuses what a newer host wrote, and leaves it as it is")
    func newer() throws {
        try scoped {
            do { _ = try Journal(path: path) }
            do { try Database(path: path).execute("PRAGMA user_version=2") }
            let error = #expect(throws: HostError.self) { _ = try Journal(path: path) }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message.contains("update substrate-host") == true)
            let version = try Database(path: path).integer("PRAGMA user_version")
            #expect(version == 2)
        }
    }

    @Test("refuses a file that is no journal as data loss")
    func noJournal() throws {
        try scoped {
            try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: HostError.self) { _ = try Journal(path: path) }
            #expect(error?.code == .dataLoss)
        }
    }

    @Test("settling forgets the actor's effects and nobody else's")
    func settle() throws {
        try scoped {
            let journal = try Journal(path: path)
            let (one, other) = (record("one"), record("other"))
            for record in [one, other] {
                let key = record.identity.key
                let number = try journal.begin(subject: key.text, verb: "run", effect: "workload.start", target: "main")
                try journal.finish(number, outcome: "ok", process: record.processes[0])
            }
            #expect(try journal.processes(of: one.identity.key) == one.processes)
            try journal.settle(one)
            #expect(try journal.processes(of: one.identity.key).isEmpty)
            #expect(try journal.processes(of: other.identity.key) == other.processes)
            #expect(try journal.actors().records.map(\.identity.key.name) == ["one"])
        }
    }
}
