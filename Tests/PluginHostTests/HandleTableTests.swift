import PluginProtocol
import Testing

@testable import PluginHost

/// Index and generation: a closed handle never means anything again.
@Suite struct HandleTableTests {
    @Test func aPlaceIsUsedAgainUnderTheNextGeneration() {
        var table = HandleTable<String>()
        let first = table.insert("a")
        #expect(first == PluginHandle(index: 0, generation: 0))
        table.close(first, line: 38)
        #expect(table.insert("b") == PluginHandle(index: 0, generation: 1))
        guard case .closed(line: 38) = table.find(first) else { return #expect(Bool(false), "the old one is closed") }
        #expect(table.live.map(\.value) == ["b"])
    }

    @Test func closingTwiceClosesOnce() {
        var table = HandleTable<String>()
        let first = table.insert("a")
        table.close(first, line: 1)
        table.close(first, line: 2)
        let second = table.insert("b")
        let third = table.insert("c")
        #expect(second != third)
        guard case .closed(line: 1) = table.find(first) else { return #expect(Bool(false), "the first line counts") }
    }

    @Test func whatNeverWasIsUnknown() {
        var table = HandleTable<String>()
        _ = table.insert("a")
        for handle in [
            PluginHandle(index: 1, generation: 0), PluginHandle(index: 0, generation: 1), .function,
            PluginHandle(index: .max, generation: 0),
        ] {
            guard case .unknown = table.find(handle) else { return #expect(Bool(false), "\(handle)") }
        }
    }

    @Test func theLastGenerationIsNeverFollowed() {
        var table = HandleTable<String>(firstGeneration: .max)
        let last = table.insert("a")
        table.close(last, line: 1)
        #expect(table.insert("b").index == 1)
        guard case .closed = table.find(last) else { return #expect(Bool(false), "it stays closed") }
    }
}
