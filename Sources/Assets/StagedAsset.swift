import Dispatch
public import HostErrors
import Synchronization
import Transfer

/// A load of a pack's asset in three steps: checked aside, then published by `commit`, or given up.
///
/// - Source: semantics P13.
public final class StagedAsset: Sendable {
    /// How far it is.
    public enum State: String, Sendable {
        /// Not begun.
        case pending
        /// Its bytes are being read and compared.
        case loading
        /// It is what its digest says.
        case ready
        /// It is in the cache.
        case committed
        /// It was given up.
        case cancelled
        /// It is not what its digest says, or cannot be read.
        case corrupt
    }

    /// Its name.
    public var name: String { shelved.name }
    /// Its bytes.
    public var size: Int64 { shelved.size }
    private let shelved: ShelvedAsset
    private let cache: AssetCache
    private let stage = Mutex(State.pending)

    /// Makes one; `begin` begins.
    ///
    /// - Parameters:
    ///   - shelved: of a pack of the cache.
    ///   - cache: where it goes.
    public init(_ shelved: ShelvedAsset, into cache: AssetCache) {
        self.shelved = shelved
        self.cache = cache
    }

    /// How far it is now.
    public var state: State { stage.withLock { $0 } }

    /// Reads and compares it, on a thread of its own.
    public func begin() { DispatchQueue.global().async { self.load() } }

    /// Reads and compares it; blocks.
    func load() {
        guard advance(from: .pending, to: .loading) else { return }
        var digest = SHA256Stream()
        var offset: Int64 = 0
        while offset < size {
            guard state == .loading else { return }
            guard let piece = try? shelved.read(offset: offset, length: Int(min(65536, size - offset))) else {
                _ = advance(from: .loading, to: .corrupt)
                return
            }
            digest.update(piece)
            offset += Int64(piece.count)
        }
        _ = advance(from: .loading, to: digest.finishHex() == shelved.asset.sha256 ? .ready : .corrupt)
    }

    /// Publishes it where it is ready; blocks.
    ///
    /// - Returns: how far it was before: `ready` where this published it.
    /// - Throws: RESOURCE_EXHAUSTED on a full disk, DATA_LOSS where the pack has changed since; it is ready still.
    public func commit() throws(HostError) -> State {
        let before = state
        guard before == .ready else { return before }
        _ = try cache.ensure(name: name, url: "pack:\(name)", sha256: shelved.asset.sha256)
        return advance(from: .ready, to: .committed) ? .ready : state
    }

    /// Gives it up unless it is committed.
    ///
    /// - Returns: how far it was before.
    @discardableResult
    public func cancel() -> State {
        stage.withLock { stage in
            let before = stage
            if before != .committed { stage = .cancelled }
            return before
        }
    }

    private func advance(from: State, to: State) -> Bool {
        stage.withLock { stage in
            guard stage == from else { return false }
            stage = to
            return true
        }
    }
}
