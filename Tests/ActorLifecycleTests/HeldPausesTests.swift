import ActorContract
import Testing

@testable import ActorLifecycle

/// The budget of frozen actors.
struct HeldPausesTests {
    private func key(_ name: String) -> ActorKey { .june(namespace: "ns", template: "t", id: name) }

    @Test func theOldestGoWhenTheNewestNeedsTheirMemory() {
        let pauses = HeldPauses(budget: 100)
        #expect(pauses.add(key("a"), bytes: 40).isEmpty)
        #expect(pauses.add(key("b"), bytes: 40).isEmpty)
        #expect(pauses.add(key("c"), bytes: 20).isEmpty)
        #expect(pauses.add(key("d"), bytes: 41) == [key("a"), key("b")])
        #expect(pauses.add(key("e"), bytes: 100) == [key("c"), key("d")])
        pauses.remove(key("e"))
        #expect(pauses.removeOldest() == nil)
    }

    @Test func anActorIsHeldOnce() {
        let pauses = HeldPauses(budget: 100)
        #expect(pauses.add(key("a"), bytes: 60).isEmpty)
        #expect(pauses.add(key("a"), bytes: 60).isEmpty)
        #expect(pauses.add(key("b"), bytes: 40).isEmpty)
        #expect(pauses.removeAll() == [key("a"), key("b")])
        #expect(pauses.removeAll().isEmpty)
    }
}
