import Glibc
public import HostErrors
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// Entries that are there: cheap to find again, hashed whole once in a process, put aside when they are not themselves.
extension AssetCache {
    /// Whether this process verified the entry and it is unchanged since; the use is noted.
    ///
    /// One lstat(2). Under the lock, so that an eviction comes wholly before or wholly after.
    func isKnown(_ digest: String, _ path: String) -> Bool {
        let now = Self.now()
        let (isHit, isStale) = state.withLock { state -> (Bool, Bool) in
            guard let known = state.verified[digest] else { return (false, false) }
            guard AssetStamp(path) == known else {
                state.verified[digest] = nil
                return (false, false)
            }
            let before = state.lastUse[digest] ?? 0
            state.lastUse[digest] = now
            state.counters.hits += 1
            return (true, now - before >= 60)
        }
        if isHit { count(.hits) }
        if isHit, isStale { Self.touch(path) }
        return isHit
    }

    /// Whether the entry is there and is what its name says; one that is not is put aside.
    func isWhole(_ digest: String, _ path: String) throws(HostError) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw storeError("lstat", path)
        }
        if status.st_mode & S_IFMT == S_IFREG {
            let stamp = AssetStamp(status)
            let known = state.withLock { $0.verified[digest] }
            // What cannot be read is not whole either: it is fetched again, once.
            let isWhole = known == stamp || (try? Self.hash(path)) == digest
            // Equal before and after, so that what was hashed is what is remembered.
            if isWhole, AssetStamp(path) == stamp {
                state.withLock {
                    $0.verified[digest] = stamp
                    $0.lastUse[digest] = Self.now()
                }
                Self.touch(path)
                return true
            }
        }
        try putAside(digest, path)
        return false
    }

    /// The digest of a file, read without a trace in its access time, which is the order of eviction.
    static func hash(_ path: String) throws(HostError) -> String {
        var number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME)
        if number < 0, errno == EPERM { number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
        guard number >= 0 else { throw storeError("open", path) }
        let file = OwnedFD(number)
        return try SHA256.hex(ofDescriptor: file.rawValue, named: path)
    }

    /// Moves what is not what its name says out of the cache, for somebody to look at.
    func putAside(_ digest: String, _ path: String) throws(HostError) {
        try DirectoryTree.make(quarantine)
        let place = "\(quarantine)/\(digest)-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        guard unsafe rename(path, place) == 0 || errno == ENOENT else { throw storeError("rename", path) }
        state.withLock {
            $0.verified[digest] = nil
            $0.counters.quarantined += 1
        }
        count(.quarantined)
        logger.warning("a cached asset is not what its digest says", ["asset": digest, "put.aside": place])
        limitQuarantine()
    }

    /// Hashes every entry whole; blocks.
    ///
    /// - Parameter progress: told before each entry: how many are done, and of how many.
    /// - Returns: which are whole; the others were put aside, and are fetched again when they are next wanted.
    /// - Throws: INTERNAL where the cache cannot be read.
    public func verify(
        _ progress: ((_ done: Int, _ of: Int) -> Void)? = nil
    ) throws(HostError) -> AssetVerification {
        var found = AssetVerification()
        let digests = try digests()
        let releases = try releases()
        for (index, digest) in digests.enumerated() {
            progress?(index, digests.count + releases.count)
            let lock = try AssetLock(digest, in: locks)
            defer { withExtendedLifetime(lock) {} }
            let path = cachedAssetPath(digest)
            // Gone meanwhile: evicted by another process.
            if unsafe access(path, F_OK) != 0, errno == ENOENT { continue }
            let use = state.withLock { state in
                state.verified[digest] = nil
                return state.lastUse[digest]
            }
            let times = AssetStamp(path)
            if try isWhole(digest, path) {
                found.whole.append(digest)
                // Looking at an entry is no use of it.
                if let times { Self.touch(path, at: times.lastUse) }
                state.withLock { $0.lastUse[digest] = use ?? times?.lastUse }
            } else {
                found.corrupt.append(digest)
            }
        }
        for (index, release) in releases.enumerated() {
            progress?(digests.count + index, digests.count + releases.count)
            try verify(release, &found)
        }
        return found
    }

    /// Notes a use on disk, for other processes and later ones.
    static func touch(_ path: String, at seconds: Int64? = nil) {
        let use = timespec(tv_sec: Int(seconds ?? 0), tv_nsec: seconds == nil ? Int(UTIME_NOW) : 0)
        let kept = timespec(tv_sec: 0, tv_nsec: Int(UTIME_OMIT))
        let times = [use, kept]
        // Best effort: without it the entry only seems older than it is.
        _ = unsafe times.withUnsafeBufferPointer {
            unsafe utimensat(AT_FDCWD, path, $0.baseAddress, AT_SYMLINK_NOFOLLOW)
        }
    }

    static func now() -> Int64 { WallClock.nanoseconds() / 1_000_000_000 }
}

// Constants of <fcntl.h> and <sys/stat.h> that Swift does not import.
private let O_NOATIME: CInt = 0o1000000
private let UTIME_NOW = (1 << 30) - 1
private let UTIME_OMIT = (1 << 30) - 2
