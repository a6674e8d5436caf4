import CCrypto
import Glibc
public import HostErrors
import SystemLayer

/// SHA-256 of bytes and files, in lower-case hexadecimal.
public enum SHA256 {
    /// Digests bytes that are in memory.
    ///
    /// - Parameter bytes: any bytes.
    /// - Returns: 64 lower-case hex digits.
    public static func hex(of bytes: [UInt8]) -> String {
        var stream = SHA256Stream()
        stream.update(bytes)
        return stream.finishHex()
    }

    /// Digests a file, streaming.
    ///
    /// - Parameters:
    ///   - path: a regular file; a symbolic link as last component is refused.
    ///   - isCancelled: whether nobody wants it any more.
    /// - Returns: 64 lower-case hex digits.
    /// - Throws: NOT_FOUND where there is no such file, INTERNAL where it cannot be read, CANCELLED.
    public static func hex(ofFile path: String, isCancelled: () -> Bool = { false }) throws(HostError) -> String {
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else {
            throw HostError(
                errno == ENOENT ? .notFound : .internal,
                nil,
                "cannot read \(path): \(SyscallError("open", errno))"
            )
        }
        let file = OwnedFD(number)
        return try hex(ofDescriptor: file.rawValue, named: path, isCancelled: isCancelled)
    }

    /// Digests what is left to read of an open file.
    ///
    /// - Parameters:
    ///   - descriptor: open for reading; left at its end.
    ///   - name: for the error's text.
    ///   - isCancelled: whether nobody wants it any more.
    /// - Returns: 64 lower-case hex digits.
    /// - Throws: INTERNAL where it cannot be read, CANCELLED.
    public static func hex(
        ofDescriptor descriptor: CInt,
        named name: String,
        isCancelled: () -> Bool = { false }
    ) throws(HostError) -> String {
        var stream = SHA256Stream()
        do throws(SyscallError) {
            while !isCancelled() {
                let some = try readSome(1 << 18, from: descriptor)
                if some.isEmpty { return stream.finishHex() }
                stream.update(some)
            }
        } catch {
            throw HostError(.internal, nil, "cannot read \(name): \(error)")
        }
        throw HostError(.cancelled, nil, "the reading of \(name) was cancelled")
    }
}

/// A SHA-256 in progress.
@safe public struct SHA256Stream: ~Copyable {
    private let context: OpaquePointer

    /// Starts a digest of nothing yet.
    public init() {
        guard let made = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(made, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto cannot start a SHA-256: out of memory")
        }
        unsafe context = made
    }

    /// Adds bytes.
    ///
    /// - Parameter bytes: the next bytes, in order.
    public mutating func update(_ bytes: [UInt8]) {
        let done = unsafe bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(done == 1, "libcrypto refused bytes")
    }

    /// Adds bytes that are somebody else's.
    ///
    /// - Parameter bytes: the next bytes, in order.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let done = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(done == 1, "libcrypto refused bytes")
    }

    /// Ends the digest.
    ///
    /// - Returns: 32 bytes.
    public consuming func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        let done = unsafe digest.withUnsafeMutableBufferPointer { buffer in
            unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
        }
        precondition(done == 1, "libcrypto cannot finish")
        return digest
    }

    /// Ends the digest, as text.
    ///
    /// - Returns: 64 lower-case hex digits.
    public consuming func finishHex() -> String { hexadecimal(finish()) }

    deinit { unsafe EVP_MD_CTX_free(context) }
}

/// HMAC-SHA256: a digest that only the holder of the key can make or guess from.
///
/// - Parameters:
///   - key: secret bytes.
///   - bytes: what to digest.
/// - Returns: 32 bytes.
/// - Source: RFC 2104.
public func keyedHash(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let made = unsafe digest.withUnsafeMutableBufferPointer { out in
        unsafe key.withUnsafeBytes { keyBytes in
            unsafe bytes.withUnsafeBufferPointer { data in
                unsafe HMAC(
                    EVP_sha256(),
                    keyBytes.baseAddress,
                    CInt(keyBytes.count),
                    data.baseAddress,
                    data.count,
                    out.baseAddress,
                    nil
                ) != nil
            }
        }
    }
    precondition(made, "libcrypto cannot make an HMAC")
    return digest
}

/// Bytes as lower-case hexadecimal.
///
/// - Parameter bytes: any bytes.
/// - Returns: two digits a byte.
public func hexadecimal(_ bytes: [UInt8]) -> String {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
    return unsafe String(unsafeUninitializedCapacity: bytes.count * 2) { text in
        var at = 0
        for byte in bytes {
            unsafe text[at] = digit(byte >> 4)
            unsafe text[at + 1] = digit(byte & 15)
            at += 2
        }
        return at
    }
}
