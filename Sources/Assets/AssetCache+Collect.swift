import Glibc
public import HostErrors
import Synchronization
import SystemLayer

/// What is in the cache, and what goes first.
extension AssetCache {
    /// The digests of what is in the cache, sorted; blocks.
    func digests() throws(HostError) -> [String] {
        try DirectoryTree.names(in: directory).compactMap { name in
            guard name.hasPrefix(Self.prefix) else { return nil }
            let digest = String(name.dropFirst(Self.prefix.count))
            do throws(HostError) { try validateAssetHash(digest) } catch { return nil }
            return digest == digest.lowercased() ? digest : nil
        }
    }

    /// Every entry, by digest; blocks.
    ///
    /// - Returns: regular files alone.
    /// - Throws: INTERNAL where the cache cannot be read, or what those say who pin.
    public func entries() throws(HostError) -> [AssetEntry] { try entries(pinned: try pinned()) }

    private func entries(pinned: Set<String>?) throws(HostError) -> [AssetEntry] {
        try digests().compactMap { digest in
            let path = cachedAssetPath(digest)
            guard let stamp = AssetStamp(path) else { return nil }
            let used = state.withLock { $0.lastUse[digest] } ?? 0
            return AssetEntry(
                sha256: digest,
                release: nil,
                path: path,
                bytes: stamp.size,
                lastUse: max(used, stamp.lastUse),
                isPinned: pinned?.contains(digest)
            )
        }
            + releases().map { release in
                let path = "\(directory)/\(release.entry)"
                let used = state.withLock { $0.lastUse[release.entry] } ?? 0
                return AssetEntry(
                    sha256: release.digest,
                    release: release.name,
                    path: path,
                    bytes: ReleaseTree.stamps(path).values.reduce(0) { $0 + $1.size },
                    lastUse: max(used, lastUse(release)),
                    isPinned: pinned?.contains(release.digest)
                )
            }
    }

    /// Removes the entries used longest ago until the rest fits the budget; blocks.
    ///
    /// Never what is pinned, nor what was used within the minimum age.
    /// - Parameters:
    ///   - budgetBytes: nil takes the cache's own.
    ///   - minimumAgeSeconds: nil takes the cache's own.
    ///   - isTrial: says what would go, and removes nothing.
    /// - Returns: what went and what stays.
    /// - Throws: what those say who pin; nothing is removed then.
    @discardableResult
    public func collect(
        budgetBytes: Int64? = nil,
        minimumAgeSeconds: Int64? = nil,
        isTrial: Bool = false
    ) throws(HostError) -> AssetCollection {
        let budget = budgetBytes ?? settings.budgetBytes
        let youngest = Self.now() - (minimumAgeSeconds ?? settings.minimumAgeSeconds)
        var found = AssetCollection()
        // Asked for only where something has to go: they may have many manifests to read.
        var all = try entries(pinned: nil)
        found.keptBytes = all.reduce(0) { $0 + $1.bytes }
        if found.keptBytes <= budget, !isTrial { return found }
        all = try entries().sorted { ($0.lastUse, $0.sha256) < ($1.lastUse, $1.sha256) }
        found.keptBytes = all.reduce(0) { $0 + $1.bytes }
        for entry in all {
            guard entry.isPinned != true, entry.lastUse <= youngest else {
                found.heldBytes += entry.bytes
                continue
            }
            guard found.keptBytes > budget else { continue }
            if !isTrial {
                guard try evict(entry, unusedSince: youngest) else { continue }
            }
            found.removed.append(entry.sha256)
            found.removedBytes += entry.bytes
            found.keptBytes -= entry.bytes
        }
        return found
    }

    private func pinned() throws(HostError) -> Set<String>? {
        let (pins, packs) = state.withLock { ($0.pins, $0.packs) }
        guard !pins.isEmpty || !packs.isEmpty else { return nil }
        // What a pack preloads is there for as long as its host is.
        var all: Set<String> = []
        for pack in packs {
            let loads = Set(pack.preload.map(\.id))
            for asset in pack.assets where loads.contains(asset.id) { all.insert(asset.sha256) }
        }
        for one in pins { for digest in try one.pinnedAssets() { all.insert(digest.lowercased()) } }
        return all
    }

    /// Removes one entry unless it was used meanwhile, or somebody is at it.
    private func evict(_ entry: AssetEntry, unusedSince youngest: Int64) throws(HostError) -> Bool {
        guard let lock = try AssetLock.attempt(entry.sha256, in: locks) else { return false }
        defer { withExtendedLifetime(lock) {} }
        let grave = "\(entry.path)\(Self.temporaryMark)\(getpid())-gone"
        let key = entry.release.map { "\($0)-\(entry.sha256)" } ?? entry.sha256
        let release = AssetRelease(entry: key)
        let moved = state.withLock { state -> Bool in
            let stored = release.map(lastUse) ?? AssetStamp(entry.path)?.lastUse
            guard let stored, max(stored, state.lastUse[key] ?? 0) <= youngest else { return false }
            // A rename, since to free gigabytes takes its time and every hit waits for this lock.
            guard unsafe rename(entry.path, grave) == 0 else { return false }
            state.verified[key] = nil
            state.trees[key] = nil
            state.lastUse[key] = nil
            state.counters.evicted += 1
            return true
        }
        guard moved else { return false }
        count(.evicted)
        if release != nil { _ = unsafe unlink(sumPath(key)) }
        try DirectoryTree.remove(grave)
        return true
    }

    /// Removes what a crash left half made; entries, and what living processes are at, stay.
    func sweep() {
        let names = (try? DirectoryTree.names(in: directory)) ?? []
        for name in names {
            guard let digest = Self.digest(ofDebris: name) else { continue }
            // Whose lock is held is being made by another process.
            guard let lock = try? AssetLock.attempt(digest, in: locks) else { continue }
            try? DirectoryTree.remove("\(directory)/\(name)")
            withExtendedLifetime(lock) {}
        }
        for name in names where name.hasPrefix(".") && name.hasSuffix(".sum") {
            let entry = String(name.dropFirst().dropLast(4))
            guard let release = AssetRelease(entry: entry), !names.contains(entry),
                let lock = try? AssetLock.attempt(release.digest, in: locks)
            else { continue }
            // Looked for again under its lock: another process may just have made it.
            if unsafe access("\(directory)/\(entry)", F_OK) != 0 { _ = unsafe unlink("\(directory)/\(name)") }
            withExtendedLifetime(lock) {}
        }
        for name in (try? DirectoryTree.names(in: locks)) ?? [] {
            // Taking a lock that nobody has, and leaving it, removes its file.
            _ = try? AssetLock.attempt(name, in: locks)
        }
        limitQuarantine()
    }

    /// The digest in the name of what is being made or removed; nil for any other name.
    static func digest(ofDebris name: String) -> String? {
        // From the end: the name of a release may hold anything.
        var end = name.endIndex
        while end > name.startIndex, !name[end...].hasPrefix(temporaryMark) { end = name.index(before: end) }
        let digest = name[..<end].suffix(64)
        guard digest.utf8.count == 64, digest.utf8.allSatisfy(isHexDigit) else { return nil }
        return String(digest)
    }

    /// Keeps the newest four of what was put aside.
    func limitQuarantine() {
        let names = (try? DirectoryTree.names(in: quarantine)) ?? []
        let aged = names.map { name -> (name: String, time: Int) in
            var status = stat()
            return unsafe (name, lstat("\(quarantine)/\(name)", &status) == 0 ? status.st_ctim.tv_sec : 0)
        }
        for old in aged.sorted(by: { ($0.time, $0.name) < ($1.time, $1.name) }).dropLast(4) {
            try? DirectoryTree.remove("\(quarantine)/\(old.name)")
        }
    }
}
