import Glibc

/// Writes every byte or fails: short writes and EINTR are gone on with.
///
/// - Parameters:
///   - bytes: any bytes.
///   - descriptor: open for writing.
/// - Throws: the errno of write(2).
public func writeAll(_ bytes: [UInt8], to descriptor: CInt) throws(SyscallError) {
    var offset = 0
    while offset < bytes.count {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
        }
        if count < 0 {
            if errno == EINTR { continue }
            throw SyscallError("write", errno)
        }
        offset += count
    }
}

/// Writes every byte at its place or fails, whatever the descriptor's offset is.
///
/// - Parameters:
///   - bytes: any bytes.
///   - descriptor: a file, open for writing.
///   - offset: where the first byte goes.
/// - Throws: the errno of pwrite(2).
public func writeAll(
    _ bytes: UnsafeRawBufferPointer,
    to descriptor: CInt,
    at offset: Int64
) throws(SyscallError) {
    var done = 0
    while done < bytes.count {
        let place = off_t(offset) + off_t(done)
        let count = unsafe pwrite(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, place)
        if count < 0 {
            if errno == EINTR { continue }
            throw SyscallError("pwrite", errno)
        }
        done += count
    }
}

/// Reads up to `limit` bytes once; an empty answer is the end.
///
/// - Parameters:
///   - limit: the most to read, at least 1.
///   - descriptor: open for reading.
/// - Returns: what came; empty at the end of the file or when the peer is gone.
/// - Throws: the errno of read(2), EINTR excepted.
public func readSome(_ limit: Int, from descriptor: CInt) throws(SyscallError) -> [UInt8] {
    var failure: CInt = 0
    // Not zeroed first: that would cost more than the read of a small frame.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
        var count = -1
        repeat { count = unsafe Glibc.read(descriptor, buffer.baseAddress, limit) } while count < 0 && errno == EINTR
        if count < 0 { failure = errno }
        filled = max(0, count)
    }
    guard failure == 0 else { throw SyscallError("read", failure) }
    return bytes
}

/// Reads to the end, at most `limit` bytes.
///
/// - Parameters:
///   - descriptor: open for reading.
///   - limit: more than this is EFBIG.
/// - Returns: all bytes.
/// - Throws: the errno of read(2), or EFBIG.
public func readAll(from descriptor: CInt, limit: Int) throws(SyscallError) -> [UInt8] {
    var all: [UInt8] = []
    while true {
        let some = try readSome(65536, from: descriptor)
        if some.isEmpty { return all }
        all.append(contentsOf: some)
        if all.count > limit { throw SyscallError("read", EFBIG) }
    }
}
