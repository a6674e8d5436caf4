import Glibc
import Synchronization
import SystemLayer

/// The counters of a cache that every process which uses it adds to: a page of `<base>/asset-counters`.
///
/// What an operator reads beside a running host. Without a file, as on a full disk, nothing is counted here.
/// `@unchecked`: the address never changes, the words behind it are atomic, and the page is unmapped when nobody has this
/// object any more.
@safe final class SharedCounters: @unchecked Sendable {
    /// One of the words.
    enum Word: Int, CaseIterable {
        case hits, misses, failures, bytes, quarantined, evicted
    }

    private static let bytes = 64
    private let page: UnsafeMutableRawPointer

    /// Opens them, or makes them with zeros.
    init?(_ path: String) {
        let number = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard number >= 0 else { return nil }
        let file = OwnedFD(number)
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            // Never shorter again: whoever has the page would die of it.
            status.st_size >= Self.bytes || ftruncate(file.rawValue, off_t(Self.bytes)) == 0,
            // A hole would be filled at the first count, and a full disk would kill who counts.
            posix_fallocate(file.rawValue, 0, off_t(Self.bytes)) == 0,
            let mapped = unsafe mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0),
            unsafe mapped != MAP_FAILED
        else { return nil }
        unsafe page = mapped
    }

    deinit { unsafe _ = munmap(page, Self.bytes) }

    /// Counts.
    func add(_ word: Word, _ count: Int = 1) {
        // An Atomic is laid out as what it holds, and the page is aligned for any of them.
        let place = unsafe page.advanced(by: word.rawValue * 8).assumingMemoryBound(to: Atomic<Int>.self)
        unsafe place.pointee.wrappingAdd(count, ordering: .relaxed)
    }

    /// What was counted.
    func value(_ word: Word) -> Int {
        let place = unsafe page.advanced(by: word.rawValue * 8).assumingMemoryBound(to: Atomic<Int>.self)
        return unsafe place.pointee.load(ordering: .relaxed)
    }
}

extension AssetCache {
    /// The page, which is there from the first count on.
    private var page: SharedCounters? {
        shared.withLock { shared in
            if shared == nil { shared = SharedCounters(counterFile) }
            return shared
        }
    }

    /// Counts for whoever asks beside this process.
    func count(_ word: SharedCounters.Word, _ count: Int = 1) { page?.add(word, count) }

    /// What every process did that used this cache, since there is one; zeros where that cannot be kept.
    public var everybodysCounters: AssetCounters {
        guard unsafe access(counterFile, F_OK) == 0, let page else { return AssetCounters() }
        var all = AssetCounters()
        all.hits = page.value(.hits)
        all.misses = page.value(.misses)
        all.failures = page.value(.failures)
        all.bytes = Int64(page.value(.bytes))
        all.quarantined = page.value(.quarantined)
        all.evicted = page.value(.evicted)
        return all
    }
}
