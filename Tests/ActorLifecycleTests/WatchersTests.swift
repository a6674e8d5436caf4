import ActorContract
import Testing

@testable import ActorLifecycle

@Suite("Watchers")
struct WatchersTests {
    private static func entry(_ everybody: Watchers = Watchers()) -> ActorEntry {
        let identity = ActorIdentity(
            key: .autumn(atespace: "a", name: "b"),
            uid: "u",
            templateNamespace: "t",
            template: "x"
        )
        let record = ActorRecord(identity: identity, slot: "s", backend: "p", backendSHA256: "", spec: WorkloadSpec())
        return ActorEntry(record, changes: Changes(), everybody: everybody)
    }

    private static func set(_ entry: ActorEntry, _ message: String) {
        entry.with { $0.record.message = message }
        entry.publish()
    }

    @Test("one that reads nothing has the oldest 16, and then the end of its stream: it missed something")
    func slow() async {
        let entry = Self.entry()
        let everybody = Watchers()
        let all = everybody.watch()
        let one = entry.watch()
        for number in 1...20 {
            Self.set(entry, "s\(number)")
            everybody.tell(entry.record)
        }
        var seen: [String] = []
        for await record in one { seen.append(record.message) }
        #expect(seen == [""] + (1...15).map { "s\($0)" }, "the first is the record of then")
        seen = []
        for await record in all { seen.append(record.message) }
        #expect(seen == (1...16).map { "s\($0)" })
        #expect(entry.record.message == "s20")
        #expect(everybody.count == 0, "who missed something is told no more")
    }

    @Test("one that keeps up misses nothing, and one that leaves is forgotten")
    func quick() async {
        let everybody = Watchers()
        let entry = Self.entry(everybody)
        let task = Task {
            var seen: [String] = []
            for await record in everybody.watch() {
                seen.append(record.message)
                if seen.count == 100 { break }
                Self.set(entry, "s\(seen.count)")
            }
            return seen
        }
        while everybody.count == 0 { await Task.yield() }
        Self.set(entry, "s0")
        #expect(await task.value == (0..<100).map { "s\($0)" })
        #expect(everybody.count == 0)
    }
}
