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
        try publish(request.digest) { (file: DownloadFile) throws(HostError) in
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
            try source.fill(file, from: request.url)
        }
    }

    /// Makes an entry from what `fill` writes, unless that is something else than the digest says.
    ///
    /// - Returns: its size.
    func publish(
        _ digest: String,
        _ fill: (DownloadFile) throws(HostError) -> Void
    ) throws(HostError) -> Int64 {
        let path = cachedAssetPath(digest)
        try DirectoryTree.make(directory)
        _ = unsafe chmod(directory, 0o700)
        let temporary = "\(path)\(Self.temporaryMark)\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let number = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw storeError("open", temporary) }
        do throws(HostError) {
            let output = OwnedFD(number)
            let file = DownloadFile(descriptor: number, limit: settings.maxBytes)
            try fill(file)
            let got = file.finish()
            guard got == digest else {
                throw HostError(.dataLoss, .asset, "sha256 mismatch; got=\(got) want=\(digest)")
            }
            do throws(SyscallError) {
                guard fchmod(number, 0o755) == 0 else { throw SyscallError("fchmod", errno, temporary) }
                guard fsync(number) == 0 else { throw SyscallError("fsync", errno, temporary) }
                try output.close()
                guard unsafe rename(temporary, path) == 0 else { throw SyscallError("rename", errno, path) }
                try AtomicFile.syncDirectory(directory)
            } catch { throw storeError(error) }
            let stamp = AssetStamp(path)
            state.withLock {
                $0.verified[digest] = stamp
                $0.lastUse[digest] = Self.now()
            }
            return file.received
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
    }
}
