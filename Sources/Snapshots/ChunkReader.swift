import Glibc
import HostErrors
import Synchronization
import SystemLayer
import Transfer

/// Fetches files from a store: strangers' compressed bytes are read by a child, and what it wrote is verified here.
struct ChunkReader: Sendable {
    let store: any ObjectStore
    let worker: UnpackWorker
    let isCancelled: @Sendable () -> Bool
    /// Told how many bytes more came.
    var progress: @Sendable (Int64) -> Void = { _ in }

    /// The largest file that is fetched.
    static let largest: Int64 = 1 << 40

    /// Fetches a chunked file; nothing of it is there after a failure.
    ///
    /// - Parameters:
    ///   - file: its size and the place of its list.
    ///   - root: below which name of the bucket the chunks are.
    ///   - path: where it goes; not there yet.
    /// - Throws: DATA_LOSS for what does not verify, and what the store says.
    func fetch(_ file: SnapshotManifest.File, root: String, to path: String) throws(HostError) {
        guard let list = file.chunks else { throw HostError(.internal, nil, "\(path) has no chunk list") }
        guard file.size <= Self.largest else { throw tooLarge(path) }
        let others = HostError(
            .dataLoss,
            .snapshotCorrupt,
            "the chunks of \(name(path)) have other bytes than their digests"
        )
        let isParsed = Mutex(false)
        let words = ["--chunks", "\(file.size)", "\(list.pages)"]
        try fill(path, words, children: Machine.processors) { (channels, output) throws(HostError) in
            let target = PageWriter(output: output, size: file.size, pages: list.pages)
            try target.begin(path)
            try eachPart(of: list, size: file.size, root: root) { (entries, _) throws(HostError) in
                let turn = Atomic(0)
                try Workers.share(
                    store.width,
                    items: entries.count,
                    // A thread sends to one child: two that send to the same wait for each other.
                    making: { () throws(HostError) in
                        channels[turn.wrappingAdd(1, ordering: .relaxed).oldValue % channels.count]
                    }
                ) { (channel, index) throws(HostError) in
                    if isCancelled() { throw HostError(.cancelled, nil, "the download was cancelled") }
                    let entry = entries[index]
                    let bytes = try chunk(hexadecimal(entry.digest), root, limit: entry.length)
                    progress(Int64(bytes.count))
                    if bytes.count == entry.length {
                        // The pages themselves: there is nothing to parse, and so nothing for a child to do.
                        var stream = SHA256Stream()
                        stream.update(bytes)
                        guard stream.finish() == entry.digest else { throw others }
                        return try target.write(bytes, entry)
                    }
                    isParsed.withLock { $0 = true }
                    var frame: [UInt8] = []
                    frame.reserveCapacity(24 + bytes.count)
                    ChunkIndex.append(entry.window, to: &frame)
                    ChunkIndex.append(entry.mask, to: &frame)
                    ChunkIndex.append(UInt64(bytes.count) | UInt64(entry.length) << 32, to: &frame)
                    frame += bytes
                    try channel.send(frame)
                }
            }
        }
        // A child could have written anywhere in the file.
        guard isParsed.withLock({ $0 }) else { return }
        let written = try SparseFile(path)
        do throws(HostError) {
            try eachPart(of: list, size: file.size, root: root) { (entries, windows) throws(HostError) in
                if isCancelled() { throw HostError(.cancelled, nil, "the download was cancelled") }
                guard try Self.scan(written, windows, pages: list.pages) == entries else { throw others }
            }
        } catch {
            _ = unsafe unlink(path)
            throw error
        }
    }

    /// Fetches a file that is one object: the Go daemon's sparse extents, or plain zstd.
    func fetchWhole(_ key: String, to path: String, size: Int64?) throws(HostError) {
        try fill(path, ["--sparse", "\(size ?? Self.largest)"], children: 1) {
            (channels, _) throws(HostError) in
            try store.stream(key) { (bytes) throws(HostError) in
                if isCancelled() { throw HostError(.cancelled, nil, "the download was cancelled") }
                try channels[0].send(bytes)
                progress(Int64(bytes.count))
            }
        }
    }

    /// The windows of a file as they are.
    static func scan(_ file: SparseFile, _ part: Range<UInt64>, pages: Int) throws(HostError) -> [ChunkEntry] {
        let windows = try file.windows(of: Int64(pages * ChunkFormat.page), in: part)
        let found = Mutex<[ChunkEntry]>([])
        let stretch = 16
        try Workers.share(
            Machine.processors,
            items: (windows.count + stretch - 1) / stretch,
            making: { () throws(HostError) in }
        ) { (_, item) throws(HostError) in
            var reader = WindowReader(file, pages: pages)
            var own: [ChunkEntry] = []
            for window in windows[(item * stretch)..<min((item + 1) * stretch, windows.count)] {
                let entry = try unsafe reader.read(window) { (mask, payload) throws(HostError) -> ChunkEntry in
                    var stream = SHA256Stream()
                    unsafe stream.update(payload)
                    return ChunkEntry(window: window, mask: mask, digest: stream.finish())
                }
                if let entry { own.append(entry) }
            }
            let entries = own
            found.withLock { $0 += entries }
        }
        return found.withLock { $0.sorted { $0.window < $1.window } }
    }

    /// A file's chunk lists, each verified, one after another: no more than one is in memory.
    ///
    /// - Parameters:
    ///   - list: the manifest's.
    ///   - size: the file's.
    ///   - root: below which name of the bucket the chunks are.
    ///   - body: given a list, and the windows that it speaks of: those that it does not have are zero.
    /// - Throws: DATA_LOSS for what is no list, what the store says, and what the body throws.
    func eachPart(
        of list: SnapshotManifest.ChunkList,
        size: Int64,
        root: String,
        _ body: ([ChunkEntry], Range<UInt64>) throws(HostError) -> Void
    ) throws(HostError) {
        let parts = list.parts
        var first: UInt64 = 0
        for (index, part) in parts.enumerated() {
            let bytes = try chunk(part.sha256, root, limit: ChunkIndex.limit)
            guard SHA256.hex(of: bytes) == part.sha256 else {
                throw HostError(
                    .dataLoss,
                    .snapshotCorrupt,
                    "chunk list \(part.sha256) has other bytes than its digest"
                )
            }
            let entries = try ChunkIndex.decode(
                bytes,
                size: size,
                pages: list.pages,
                count: part.count,
                from: first
            )
            let next = entries.last.map { $0.window + 1 } ?? first
            try body(entries, first..<(index == parts.count - 1 ? .max : next))
            first = next
        }
    }

    private func chunk(_ digest: String, _ root: String, limit: Int) throws(HostError) -> [UInt8] {
        do throws(HostError) {
            return try store.read(ChunkFormat.key(digest, below: root), limit: limit)
        } catch {
            if error.code == .notFound {
                throw HostError(.dataLoss, .snapshotCorrupt, "chunk \(digest) is missing in \(store.name)")
            }
            if error.code == .resourceExhausted, error.reason == .snapshotStore {
                throw HostError(.dataLoss, .snapshotCorrupt, "chunk \(digest) is larger than what it is of")
            }
            throw error
        }
    }

    /// Lets children write a file from what the body sends to each of them.
    private func fill(
        _ path: String,
        _ words: [String],
        children: Int,
        _ body: ([Channel], CInt) throws(HostError) -> Void
    ) throws(HostError) {
        let number = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", path) }
        let output = OwnedFD(number)
        let place = "\(path).room"
        guard unsafe mkdir(place, 0o700) == 0 else { throw storeError("mkdir", place) }
        defer { _ = unsafe rmdir(place) }
        let opened = unsafe open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { throw storeError("open", place) }
        let directory = OwnedFD(opened)
        let (target, room) = (output.rawValue, directory.rawValue)
        var channels: [Channel] = []
        for _ in 0..<max(1, children) { channels.append(try Channel()) }
        let child = Mutex<HostError?>(nil)
        let failure = beside(channels[...]) { channel in
            do throws(HostError) {
                try worker.run(words, input: channel.reading, output: target, directories: [room])
            } catch { child.withLock { $0 = $0 ?? error } }
            // Whoever still sends is told that nobody reads.
            channel.end()
        } body: { () throws(HostError) in
            try body(channels, target)
        }
        // That nobody reads any more is the child's failure.
        let said = child.withLock { $0 }
        guard let error = said ?? failure else { return }
        _ = unsafe unlink(path)
        // A child that ended because nothing more came has nothing to say.
        if let failure, failure.reason != .snapshotStore || failure.code != .aborted { throw failure }
        if error.code == .invalidArgument {
            throw HostError(.dataLoss, .snapshotCorrupt, "\(name(path)): \(error.message)")
        }
        throw error
    }

    /// Runs one thing beside the body for each channel; each channel ends when the body has.
    ///
    /// - Returns: why the body failed, or could not be begun.
    private func beside(
        _ channels: ArraySlice<Channel>,
        _ aside: @escaping @Sendable (Channel) -> Void,
        body: () throws(HostError) -> Void
    ) -> HostError? {
        var failure: HostError?
        guard let channel = channels.first else {
            do throws(HostError) { try body() } catch { failure = error }
            return failure
        }
        do throws(HostError) {
            try Workers.beside({ aside(channel) }) {
                failure = beside(channels.dropFirst(), aside, body: body)
                channel.finish()
            }
        } catch { failure = error }
        return failure
    }

    private func tooLarge(_ path: String) -> HostError {
        HostError(.resourceExhausted, .snapshotStore, "\(name(path)) is larger than \(Self.largest) bytes")
    }

    private func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// What the child reads: whole pieces, sent by any thread.
final class Channel: Sendable {
    private let ours: OwnedFD
    private let theirs: OwnedFD
    private let turn = Mutex(())

    init() throws(HostError) {
        var ends: [CInt] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw storeError("socketpair", "")
        }
        ours = OwnedFD(ends[0])
        theirs = OwnedFD(ends[1])
    }

    /// The child's end.
    var reading: CInt { theirs.rawValue }

    /// Sends all of it, or says ABORTED where nobody reads.
    func send(_ bytes: [UInt8]) throws(HostError) {
        let failure: CInt = turn.withLock { _ in
            var done = 0
            while done < bytes.count {
                let count = unsafe bytes.withUnsafeBytes { buffer in
                    unsafe Glibc.send(
                        ours.rawValue,
                        buffer.baseAddress?.advanced(by: done),
                        buffer.count - done,
                        CInt(MSG_NOSIGNAL)
                    )
                }
                if count < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                done += count
            }
            return 0
        }
        if failure != 0 { throw HostError(.aborted, .snapshotStore, "the unpacker reads no more") }
    }

    /// Nothing more comes.
    func finish() { _ = shutdown(ours.rawValue, CInt(SHUT_WR)) }

    /// Nobody reads any more.
    func end() { _ = shutdown(theirs.rawValue, CInt(SHUT_RD)) }
}
