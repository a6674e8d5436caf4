import Synchronization

/// What went out of actors, and what was not let out; counted on many threads.
public final class EgressCounters: Sendable {
    private let opened = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)
    private let outwards = Atomic<Int>(0)
    private let inwards = Atomic<Int>(0)
    private let live = Atomic<Int>(0)
    private let whole: EgressCounters?

    /// Begins at nothing.
    ///
    /// - Parameter whole: counts the same, and that of others.
    public init(of whole: EgressCounters? = nil) { self.whole = whole }

    /// Connections that a gateway let out.
    public var connections: Int { opened.load(ordering: .relaxed) }
    /// Connections that came to nothing.
    public var refused: Int { refusals.load(ordering: .relaxed) }
    /// Bytes from actors.
    public var bytesOut: Int { outwards.load(ordering: .relaxed) }
    /// Bytes to actors.
    public var bytesIn: Int { inwards.load(ordering: .relaxed) }
    /// Connections of actors that are open now, let out or not yet.
    public var open: Int { live.load(ordering: .relaxed) }

    func begin() {
        live.add(1, ordering: .relaxed)
        whole?.begin()
    }
    func end() {
        live.subtract(1, ordering: .relaxed)
        whole?.end()
    }
    func letOut() {
        opened.add(1, ordering: .relaxed)
        whole?.letOut()
    }
    func refuse() {
        refusals.add(1, ordering: .relaxed)
        whole?.refuse()
    }
    func moved(out: Int, in count: Int) {
        whole?.moved(out: out, in: count)
        if out > 0 { outwards.add(out, ordering: .relaxed) }
        if count > 0 { inwards.add(count, ordering: .relaxed) }
    }
}
