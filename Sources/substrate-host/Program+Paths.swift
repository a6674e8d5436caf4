import Glibc

extension Program {
    /// This executable's real path, whatever it was called by.
    ///
    /// - Source: proc(5), `/proc/self/exe`.
    static var path: String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe readlink("/proc/self/exe", bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : "/usr/bin/substrate-host"
    }

    /// Where its companions are: beside it.
    static var directory: String {
        path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
    }
}
