import Dispatch
public import HostErrors
import Synchronization

/// One asset that is wanted among several.
public struct WantedAsset: Sendable, Equatable {
    /// Its name, for the error's text.
    public let name: String
    /// Where it comes from.
    public let url: String
    /// 64 hex digits of either case.
    public let sha256: String

    /// Makes one.
    ///
    /// - Parameters:
    ///   - name: as above.
    ///   - url: as above.
    ///   - sha256: as above.
    public init(name: String, url: String, sha256: String) {
        self.name = name
        self.url = url
        self.sha256 = sha256
    }
}

extension AssetCache {
    /// Transfers of one request that go on at once: more would only share the line.
    private static let transfersAtOnce = 4

    /// Has several assets in the cache when it returns, those that are missing fetched side by side; blocks.
    ///
    /// - Parameters:
    ///   - wanted: no name twice.
    ///   - isCancelled: whether nobody wants them any more; transfers end then and leave nothing.
    /// - Returns: their paths by name, each verified.
    /// - Throws: the failure of the first by name; the others have ended by then, and what they fetched stays.
    public func ensure(
        _ wanted: [WantedAsset],
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(HostError) -> [String: String] {
        var paths: [String: String] = [:]
        var missing: [WantedAsset] = []
        for asset in wanted.sorted(by: { $0.name < $1.name }) {
            try validateAssetHash(asset.sha256)
            let path = cachedAssetPath(asset.sha256)
            let digest = asset.sha256.lowercased()
            let isRelease = AssetRelease(name: asset.name, url: asset.url, digest: digest) != nil
            if !isRelease, isKnown(digest, path) { paths[asset.name] = path } else { missing.append(asset) }
        }
        @Sendable func fetched(_ one: WantedAsset) throws(HostError) -> String {
            try ensure(name: one.name, url: one.url, sha256: one.sha256, isCancelled: isCancelled)
        }
        guard missing.count > 1 else {
            for one in missing { paths[one.name] = try fetched(one) }
            return paths
        }
        let left = missing
        let next = Mutex(0)
        let results = Mutex<[Int: Result<String, HostError>]>([:])
        let group = DispatchGroup()
        let queue = DispatchQueue(label: "substrate.assets", attributes: .concurrent)
        for _ in 0..<min(left.count, Self.transfersAtOnce) {
            queue.async(group: group) {
                while true {
                    let index = next.withLock { next in
                        next += 1
                        return next - 1
                    }
                    guard index < left.count else { return }
                    let result: Result<String, HostError>
                    do throws(HostError) { result = .success(try fetched(left[index])) } catch {
                        result = .failure(error)
                    }
                    results.withLock { $0[index] = result }
                }
            }
        }
        group.wait()
        let ended = results.withLock { $0 }
        for (index, one) in left.enumerated() { paths[one.name] = try ended[index]?.get() }
        return paths
    }
}
