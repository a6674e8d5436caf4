import Glibc
import HostErrors
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// Archives of several files, unpacked: there whole and verified, or not at all, as files are.
extension AssetCache {
    /// Where the digest of an unpacked tree is kept, beside it.
    func sumPath(_ entry: String) -> String { "\(directory)/.\(entry).sum" }

    /// Every release that is there, sorted; blocks.
    func releases() throws(HostError) -> [AssetRelease] {
        try DirectoryTree.names(in: directory).compactMap { AssetRelease(entry: $0) }
    }

    /// When a release was last used, in seconds since 1970: its directories' own times say when they were looked at.
    func lastUse(_ release: AssetRelease) -> Int64 {
        var status = stat()
        return unsafe lstat(sumPath(release.entry), &status) == 0 ? Int64(status.st_mtim.tv_sec) : 0
    }

    private func touch(_ release: AssetRelease, at seconds: Int64? = nil) {
        let use = timespec(tv_sec: Int(seconds ?? Self.now()), tv_nsec: 0)
        let times = [use, use]
        // Best effort: without it the release only seems older than it is.
        _ = unsafe times.withUnsafeBufferPointer {
            unsafe utimensat(AT_FDCWD, sumPath(release.entry), $0.baseAddress, AT_SYMLINK_NOFOLLOW)
        }
    }

    /// Whether this process verified the tree and nothing in it has changed since; the use is noted.
    func isKnown(_ release: AssetRelease, _ path: String) -> Bool {
        let known = state.withLock { $0.trees[release.entry] }
        guard let known, ReleaseTree.stamps(path) == known else { return false }
        let isStale = state.withLock { state -> Bool? in
            // Evicted meanwhile: its tree is forgotten in the same step.
            guard state.trees[release.entry] != nil else { return nil }
            let before = state.lastUse[release.entry] ?? 0
            state.lastUse[release.entry] = Self.now()
            state.counters.hits += 1
            return Self.now() - before >= 60
        }
        if isStale != nil { count(.hits) }
        if isStale == true { touch(release) }
        return isStale != nil
    }

    /// Whether the tree is there and is what was unpacked; one that is not is put aside.
    func isWhole(_ release: AssetRelease, _ path: String) throws(HostError) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw storeError("lstat", path)
        }
        let sum = TextFile.read(sumPath(release.entry))
        let stamps = ReleaseTree.stamps(path)
        if status.st_mode & S_IFMT == S_IFDIR, let sum, (try? ReleaseTree.digest(path)) == sum,
            ReleaseTree.stamps(path) == stamps
        {
            state.withLock {
                $0.trees[release.entry] = stamps
                $0.lastUse[release.entry] = Self.now()
            }
            touch(release)
            return true
        }
        state.withLock { $0.trees[release.entry] = nil }
        try putAside(release.entry, path)
        _ = unsafe unlink(sumPath(release.entry))
        return false
    }

    /// Verifies a release among all entries; its use is none.
    func verify(_ release: AssetRelease, _ found: inout AssetVerification) throws(HostError) {
        let lock = try AssetLock(release.digest, in: locks)
        defer { withExtendedLifetime(lock) {} }
        let path = "\(directory)/\(release.entry)"
        guard unsafe access(path, F_OK) == 0 else { return }
        let use = state.withLock { $0.lastUse[release.entry] }
        let stored = lastUse(release)
        if try isWhole(release, path) {
            found.whole.append(release.digest)
            touch(release, at: stored)
            state.withLock { $0.lastUse[release.entry] = use ?? stored }
        } else {
            found.corrupt.append(release.digest)
        }
    }

    /// Fetches an archive and unpacks it, in the process that is made for strangers' archives; its lock is held.
    ///
    /// - Returns: the archive's size.
    func unpack(
        _ release: AssetRelease,
        _ fill: (DownloadFile) throws(HostError) -> Void,
        _ isCancelled: () -> Bool
    ) throws(HostError) -> Int64 {
        guard let unpacker = settings.unpacker else {
            throw HostError(.failedPrecondition, .asset, "a release cannot be unpacked here: there is no unpacker")
        }
        let path = "\(directory)/\(release.entry)"
        let staging = "\(path)\(Self.temporaryMark)\(getpid())-\(UInt32.random(in: 0 ... .max))"
        return try receive(release.digest, fill) { (_, archive) throws(HostError) in
            guard lseek(archive, 0, SEEK_SET) == 0 else { throw storeError("lseek", release.entry) }
            do throws(HostError) {
                try DirectoryTree.make(staging, mode: 0o755)
                _ = unsafe chmod(staging, 0o755)
                let number = unsafe open(staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
                guard number >= 0 else { throw storeError("open", staging) }
                let root = OwnedFD(number)
                // It syncs what it made.
                try UnpackWorker(executable: unpacker).run(
                    ["--layer"],
                    input: archive,
                    directories: [root.rawValue],
                    isCancelled: isCancelled
                )
                let sum = try ReleaseTree.digest(staging)
                do throws(SyscallError) {
                    // First: a tree without it is none.
                    try AtomicFile.write(Array(sum.utf8), to: sumPath(release.entry))
                    guard unsafe rename(staging, path) == 0 else { throw SyscallError("rename", errno, path) }
                    try AtomicFile.syncDirectory(directory)
                } catch { throw storeError(error) }
            } catch {
                try? DirectoryTree.remove(staging)
                throw HostError(error.code, error.reason ?? .asset, error.message, context: error.context)
            }
            let stamps = ReleaseTree.stamps(path)
            state.withLock {
                $0.trees[release.entry] = stamps
                $0.lastUse[release.entry] = Self.now()
            }
        }
    }
}
