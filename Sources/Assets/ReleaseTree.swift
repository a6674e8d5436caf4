import Glibc
import HostErrors
import SystemLayer
import Transfer

/// What is in an unpacked release.
enum ReleaseTree {
    /// What each path below a directory is, the directory itself as the empty path.
    ///
    /// - Parameter path: in the cache, where nobody else writes; what cannot be read is not in the answer.
    /// - Returns: by relative path.
    static func stamps(_ path: String) -> [String: AssetStamp] {
        var found: [String: AssetStamp] = [:]
        var left = [""]
        while let relative = left.popLast() {
            let place = relative.isEmpty ? path : "\(path)/\(relative)"
            var status = stat()
            guard unsafe lstat(place, &status) == 0 else { continue }
            found[relative] = AssetStamp(status)
            guard status.st_mode & S_IFMT == S_IFDIR else { continue }
            for name in (try? DirectoryTree.names(in: place)) ?? [] {
                left.append(relative.isEmpty ? name : "\(relative)/\(name)")
            }
        }
        return found
    }

    /// The digest of all that is in a directory: paths, kinds, modes, links and contents.
    ///
    /// - Parameter path: of the directory.
    /// - Returns: 64 hex digits.
    /// - Throws: INTERNAL where something of it cannot be read.
    static func digest(_ path: String) throws(HostError) -> String {
        var whole = SHA256Stream()
        for relative in stamps(path).keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            let place = relative.isEmpty ? path : "\(path)/\(relative)"
            var status = stat()
            guard unsafe lstat(place, &status) == 0 else { throw storeError("lstat", place) }
            let content =
                switch status.st_mode & S_IFMT {
                case S_IFREG: try AssetCache.hash(place)
                case S_IFLNK: try target(place)
                default: ""
                }
            // The length says where a name ends, whatever it holds.
            let mode = String(status.st_mode, radix: 8)
            whole.update(Array("\(mode) \(relative.utf8.count) \(relative) \(content.utf8.count) \(content)\n".utf8))
        }
        return whole.finishHex()
    }

    private static func target(_ path: String) throws(HostError) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return -1 }
            return unsafe readlink(path, start, bytes.count)
        }
        guard count >= 0 else { throw storeError("readlink", path) }
        return hexadecimal(Array(buffer.prefix(count)))
    }
}
