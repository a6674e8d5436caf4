import Glibc
import SystemLayer

/// Bytes between a script and a descriptor, both ways: bounded, and a write is whole or it failed.
enum ByteTransfer {
    /// What a read brought.
    struct Read: Equatable {
        var bytes: [UInt8]
        /// Whether nothing comes after them.
        var isEnd: Bool
    }

    /// One call of pwrite(2) or write(2): how many bytes it took, or minus the errno.
    typealias Writer = (_ descriptor: CInt, _ bytes: ArraySlice<UInt8>, _ offset: Int64) -> Int

    /// Reads at most so many bytes of a regular file.
    ///
    /// - Parameters:
    ///   - descriptor: open for reading.
    ///   - offset: from the file's start.
    ///   - most: none are read for 0, and the end is told all the same.
    /// - Returns: all there are up to `most`, and whether the file ends there.
    /// - Throws: the errno of pread(2).
    static func read(_ descriptor: CInt, at offset: Int64, most: Int) throws(SyscallError) -> Read {
        // One byte more than asked for tells whether there is any.
        var buffer = [UInt8](repeating: 0, count: most + 1)
        var have = 0
        while have <= most {
            let count = unsafe buffer.withUnsafeMutableBytes { raw in
                unsafe pread(descriptor, raw.baseAddress?.advanced(by: have), raw.count - have, Int(offset) + have)
            }
            if count == 0 { break }
            if count > 0 {
                have += count
            } else if errno != EINTR {
                throw SyscallError("pread", errno)
            }
        }
        return Read(bytes: Array(buffer.prefix(min(have, most))), isEnd: have <= most)
    }

    /// Reads what a pipe has, at most so many bytes, waiting for the first one.
    ///
    /// - Parameters:
    ///   - descriptor: a pipe or a socket.
    ///   - most: at least 1.
    /// - Returns: what came; the end when the writer is gone.
    /// - Throws: the errno of read(2).
    static func readStream(_ descriptor: CInt, most: Int) throws(SyscallError) -> Read {
        let bytes = try readSome(most, from: descriptor)
        return Read(bytes: bytes, isEnd: bytes.isEmpty)
    }

    /// Writes every byte at an offset of a regular file, or leaves the file as long as it was.
    ///
    /// - Parameters:
    ///   - bytes: any bytes.
    ///   - descriptor: open for writing.
    ///   - offset: from the file's start.
    ///   - writer: the system call; another one in tests.
    /// - Throws: the errno that stopped it; what the write added is cut off again then.
    static func write(
        _ bytes: [UInt8],
        to descriptor: CInt,
        at offset: Int64,
        writer: Writer = systemWrite
    ) throws(SyscallError) {
        var about = stat()
        guard unsafe fstat(descriptor, &about) == 0 else { throw SyscallError("fstat", errno) }
        var done = 0
        while done < bytes.count {
            let count = writer(descriptor, bytes[done...], offset + Int64(done))
            if count > 0 {
                done += count
                continue
            }
            if count == -Int(EINTR) { continue }
            if about.st_mode & S_IFMT == S_IFREG { _ = ftruncate(descriptor, about.st_size) }
            // A write of nothing that is no error has no room.
            throw SyscallError("pwrite", count == 0 ? ENOSPC : CInt(clamping: -count))
        }
    }

    /// pwrite(2).
    static func systemWrite(_ descriptor: CInt, _ bytes: ArraySlice<UInt8>, _ offset: Int64) -> Int {
        let count = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, Int(offset)) }
        return count < 0 ? -Int(errno) : count
    }
}
