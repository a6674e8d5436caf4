import HostErrors
import Synchronization
import Transfer

/// What an upload did.
public struct TransferCount: Sendable, Equatable {
    /// Bytes of the files, holes included.
    public var bytes: Int64 = 0
    /// Chunks that the files have.
    public var chunks = 0
    /// Chunks that were not in the store.
    public var written = 0
    /// Bytes that were written for them.
    public var writtenBytes: Int64 = 0
    /// None yet.
    public init() {}
    static func += (one: inout TransferCount, other: TransferCount) {
        one.bytes += other.bytes
        one.chunks += other.chunks
        one.written += other.written
        one.writtenBytes += other.writtenBytes
    }
}

/// Cuts files in chunks, and writes those that a store lacks.
struct ChunkWriter: Sendable {
    let store: any ObjectStore
    /// Below which name of the bucket.
    let root: String
    /// The pages of a window.
    let pages: Int
    /// Chunks that were written longer ago are written again, so that a collection that runs meanwhile spares them.
    let freshSince: Int64
    /// Whether somebody wants this to end.
    let isCancelled: @Sendable () -> Bool
    /// Told how many bytes more of the file are there.
    let progress: @Sendable (Int64) -> Void

    /// Writes what the store lacks of one file, and the lists of its chunks.
    ///
    /// Blocks; flat memory: a few windows a thread, and one list.
    /// - Returns: where the lists are.
    /// - Throws: what the store says. What was written stays, and the next try finds it.
    func write(_ file: SparseFile, count: inout TransferCount) throws(HostError) -> SnapshotManifest.ChunkList {
        let bytes = Int64(pages * ChunkFormat.page)
        let all = UInt64((file.size + bytes - 1) / bytes)
        let seen = Seen()
        var parts: [SnapshotManifest.ChunkList.Part] = []
        var first: UInt64 = 0
        repeat {
            let end = min(all, first + ChunkFormat.windowsOfList)
            let windows = try file.windows(of: bytes, in: first..<end)
            first = end
            // A stretch that is all holes needs no list, but a file has one.
            if windows.isEmpty, first < all || !parts.isEmpty { continue }
            parts.append(try write(file, windows, seen, &count))
        } while first < all
        count.bytes += file.size
        return SnapshotManifest.ChunkList(parts, pages: pages)
    }

    private func write(
        _ file: SparseFile,
        _ windows: [UInt64],
        _ seen: Seen,
        _ count: inout TransferCount
    ) throws(HostError) -> SnapshotManifest.ChunkList.Part {
        let batch = try store.batch()
        let done = Mutex<(entries: [ChunkEntry], count: TransferCount)>(([], TransferCount()))
        // One deal a stretch: neighbours lie together on a disk, and a lock for each window would be felt.
        let stretch = 16
        do throws(HostError) {
            try Workers.share(
                store.width,
                items: (windows.count + stretch - 1) / stretch,
                making: { () throws(HostError) in Kept(try Compressor()) }
            ) { (kept, item) throws(HostError) in
                var reader = WindowReader(file, pages: pages)
                var entries: [ChunkEntry] = []
                var own = TransferCount()
                for window in windows[(item * stretch)..<min((item + 1) * stretch, windows.count)] {
                    if isCancelled() { throw HostError(.cancelled, nil, "the upload was cancelled") }
                    let compressor = kept.compressor
                    let entry = try unsafe reader.read(window) { (mask, payload) throws(HostError) -> ChunkEntry in
                        var stream = SHA256Stream()
                        unsafe stream.update(payload)
                        let digest = stream.finish()
                        let key = ChunkFormat.key(hexadecimal(digest), below: root)
                        if seen.isFirst(digest), try lacks(key) {
                            let stored = try unsafe compressor.compress(payload)
                            try batch.put(key, stored)
                            own.written += 1
                            own.writtenBytes += Int64(stored.count)
                        }
                        return ChunkEntry(window: window, mask: mask, digest: digest)
                    }
                    if let entry { entries.append(entry) }
                }
                progress(Int64(entries.count) * Int64(pages * ChunkFormat.page))
                let (found, counted) = (entries, own)
                done.withLock { done in
                    done.entries += found
                    done.count += counted
                }
            }
        } catch {
            try? batch.commit()
            throw error
        }
        let (entries, own) = done.withLock { ($0.entries.sorted { $0.window < $1.window }, $0.count) }
        let list = ChunkIndex.encode(entries)
        let digest = SHA256.hex(of: list)
        let key = ChunkFormat.key(digest, below: root)
        if try lacks(key) { try batch.put(key, list) }
        try batch.commit()
        count += own
        count.chunks += entries.count
        return .init(sha256: digest, count: entries.count)
    }

    private func lacks(_ key: String) throws(HostError) -> Bool {
        guard let found = try store.head(key) else { return true }
        return found.modified < freshSince
    }

    private struct Kept {
        let compressor: Compressor
        init(_ compressor: Compressor) { self.compressor = compressor }
    }

    /// Digests that this upload met already: a page that fills memory is asked for once.
    private final class Seen: Sendable {
        private static let most = 1 << 16
        private let digests = Mutex<Set<[UInt8]>>([])
        func isFirst(_ digest: [UInt8]) -> Bool {
            digests.withLock { $0.count >= Self.most ? !$0.contains(digest) : $0.insert(digest).inserted }
        }
    }
}
