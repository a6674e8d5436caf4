import PluginProtocol

/// Things of one verb by index and generation: a handle that was closed never means anything again.
struct HandleTable<Value> {
    /// What a handle is.
    enum Lookup {
        /// It is held.
        case live(Value)
        /// It was closed, on that line of the script.
        case closed(line: UInt32)
        /// This verb never had it.
        case unknown
    }

    private struct Entry {
        var generation: UInt32
        var value: Value?
    }
    private var entries: [Entry] = []
    private var free: [UInt32] = []
    private var closings: [PluginHandle: UInt32] = [:]
    private let firstGeneration: UInt32

    /// Makes an empty table.
    ///
    /// - Parameter firstGeneration: of a fresh place.
    init(firstGeneration: UInt32 = 0) { self.firstGeneration = firstGeneration }

    /// Everything held, in the order of places.
    var live: [(handle: PluginHandle, value: Value)] {
        entries.enumerated().compactMap { index, entry in
            entry.value.map { (PluginHandle(index: UInt32(index), generation: entry.generation), $0) }
        }
    }

    /// Holds a value; the place of a closed one is used again under its next generation.
    mutating func insert(_ value: Value) -> PluginHandle {
        if let index = free.popLast() {
            entries[Int(index)].value = value
            return PluginHandle(index: index, generation: entries[Int(index)].generation)
        }
        entries.append(Entry(generation: firstGeneration, value: value))
        return PluginHandle(index: UInt32(entries.count - 1), generation: firstGeneration)
    }

    /// What a handle means now.
    func find(_ handle: PluginHandle) -> Lookup {
        if let line = closings[handle] { return .closed(line: line) }
        guard Int(handle.index) < entries.count, entries[Int(handle.index)].generation == handle.generation,
            let value = entries[Int(handle.index)].value
        else { return .unknown }
        return .live(value)
    }

    /// Closes a handle; one that is not held stays as it is.
    ///
    /// - Parameters:
    ///   - handle: of this table.
    ///   - line: the script's, for whoever uses it again.
    mutating func close(_ handle: PluginHandle, line: UInt32) {
        guard case .live = find(handle) else { return }
        closings[handle] = line
        entries[Int(handle.index)].value = nil
        // The last generation is never followed by the first one: the place is given up.
        guard handle.generation < .max else { return }
        entries[Int(handle.index)].generation += 1
        free.append(handle.index)
    }
}
