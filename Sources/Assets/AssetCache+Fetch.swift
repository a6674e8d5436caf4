import Glibc
import HostErrors
import Synchronization
import SystemLayer
import Telemetry
import Transfer

/// Entries that are not there yet: made beside their name, and renamed when they are whole.
extension AssetCache {
    /// Fetches an asset and publishes it; its lock is held.
    ///
    /// - Returns: its size.
    func fetch(_ request: AssetRequest) throws(HostError) -> Int64 {
        func fill(_ file: DownloadFile) throws(HostError) {
            file.isCancelled = request.isCancelled
            let began = Self.now()
            var told: Int64 = 0
            var logged = began
            file.onProgress = { [logger] in
                let tick = WallClock.nanoseconds() / 250_000_000
                guard tick != told else { return }
                told = tick
                request.progress?(AssetProgress(name: request.name, received: file.received, total: file.total))
                guard tick / 4 >= logged + 5 else { return }
                logged = tick / 4
                logger.info(
                    "fetching an asset",
                    [
                        "asset": request.name, "bytes": "\(file.received)",
                        "of": file.total.map { "\($0)" } ?? "unknown",
                        "seconds": "\(logged - began)",
                    ]
                )
            }
            if try fillFromPack(request.digest, file) { return }
            try source.fill(file, from: request.url, digest: request.digest)
        }
        let began = ContinuousClock.now
        let release = AssetRelease(name: request.name, url: request.url, digest: request.digest)
        let bytes =
            if let release { try unpack(release, fill, request.isCancelled) } else { try publish(request.digest, fill) }
        let taken = began.duration(to: .now) / .milliseconds(1)
        logger.info(
            "an asset was fetched",
            ["asset": request.name, "bytes": "\(bytes)", "ms": "\(Int(taken))", "sha256": request.digest]
        )
        return bytes
    }

    /// Makes an entry from what `fill` writes, unless that is something else than the digest says.
    ///
    /// - Returns: its size.
    func publish(
        _ digest: String,
        _ fill: (DownloadFile) throws(HostError) -> Void
    ) throws(HostError) -> Int64 {
        let path = cachedAssetPath(digest)
        return try receive(digest, fill) { (temporary, number) throws(HostError) in
            do throws(SyscallError) {
                guard fchmod(number, 0o755) == 0 else { throw SyscallError("fchmod", errno, temporary) }
                guard fsync(number) == 0 else { throw SyscallError("fsync", errno, temporary) }
                guard unsafe rename(temporary, path) == 0 else { throw SyscallError("rename", errno, path) }
                try AtomicFile.syncDirectory(directory)
            } catch { throw storeError(error) }
            let stamp = AssetStamp(path)
            state.withLock {
                $0.verified[digest] = stamp
                $0.lastUse[digest] = Self.now()
            }
        }
    }

    /// Writes a file beside the entries and has it used once it is what the digest says; it is gone afterwards.
    ///
    /// - Parameters:
    ///   - digest: what it must be.
    ///   - fill: writes it.
    ///   - use: takes it by its path, or reads it by its descriptor, which is at no certain place.
    /// - Returns: its size.
    /// - Throws: DATA_LOSS where it is not what the digest says, and what `fill` and `use` throw.
    func receive(
        _ digest: String,
        _ fill: (DownloadFile) throws(HostError) -> Void,
        _ use: (_ temporary: String, _ descriptor: CInt) throws(HostError) -> Void
    ) throws(HostError) -> Int64 {
        try DirectoryTree.make(directory)
        _ = unsafe chmod(directory, 0o700)
        let temporary = "\(cachedAssetPath(digest))\(Self.temporaryMark)\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let number = unsafe open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", temporary) }
        let output = OwnedFD(number)
        // Absent where it was renamed.
        defer { _ = unsafe unlink(temporary) }
        let file = DownloadFile(descriptor: output.rawValue, limit: settings.maxBytes)
        try fill(file)
        let got = file.finish()
        guard got == digest else {
            throw HostError(.dataLoss, .asset, "sha256 mismatch; got=\(got) want=\(digest)")
        }
        try use(temporary, output.rawValue)
        do throws(SyscallError) { try output.close() } catch { throw storeError(error) }
        return file.received
    }
}
