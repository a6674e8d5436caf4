import CZstd
import Glibc
import HostErrors
import Transfer

/// Snapshots as the Go daemon writes them: sparse extents, version 2, and a manifest of three keys.
///
/// - Source: contract §1.8, §6.2, §6.3.
enum AteletFormat {
    private static let header = Array("ATESPRSE".utf8) + [2, 0, 0, 0]

    /// Writes one file as an object.
    static func write(
        _ file: SparseFile,
        to store: any ObjectStore,
        _ key: String,
        isCancelled: () -> Bool,
        progress: (Int64) -> Void,
        _ count: inout TransferCount
    ) throws(HostError) {
        let upload = try store.upload(key)
        do throws(HostError) {
            try upload.write(header)
            var stream = try CompressedStream(upload)
            try stream.write(number(file.size))
            var room = [UInt8](repeating: 0, count: 1 << 18)
            for extent in try file.extents() {
                try stream.write(number(extent.lowerBound) + number(Int64(extent.count)))
                var at = extent.lowerBound
                while at < extent.upperBound {
                    if isCancelled() { throw HostError(.cancelled, nil, "the upload was cancelled") }
                    let length = Int(min(Int64(room.count), extent.upperBound - at))
                    let failure = unsafe room.withUnsafeMutableBytes { bytes in
                        unsafe file.read(at: at, into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<length]))
                    }
                    if let failure { throw failure }
                    try stream.write(length == room.count ? room : Array(room[..<length]))
                    at += Int64(length)
                    progress(Int64(length))
                }
            }
            try stream.write(number(-1))
            try stream.finish()
            try upload.commit()
            count.bytes += file.size
            count.written += 1
            count.chunks += 1
            count.writtenBytes += Int64(header.count) + stream.written
        } catch {
            upload.abort()
            throw error
        }
    }

    private static func number(_ value: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        ChunkIndex.append(UInt64(bitPattern: value), to: &bytes)
        return bytes
    }

    /// `manifest.json` in the Go daemon's words and order.
    static func manifest(_ manifest: SnapshotManifest) throws(HostError) -> [UInt8] {
        var text = "{\"sandboxClass\":\(quoted(manifest.sandboxClass)),\"assets\":{"
        text += manifest.assets.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
            .map { name, asset in
                "\(quoted(name)):{\"url\":\(quoted(asset.url)),\"sha256\":\(quoted(asset.sha256))}"
            }.joined(separator: ",")
        text += "}"
        if let files = manifest.snapshotFiles, !files.isEmpty {
            text += ",\"snapshotFiles\":[\(files.map(quoted).joined(separator: ","))]"
        }
        return Array("\(text)}".utf8)
    }

    /// A string as Go's `encoding/json` writes it, which escapes what would end a script in a page.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "<", ">", "&", "\u{2028}", "\u{2029}", "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// A zstd stream on its way into an object, with a digest of its own at the end.
@safe private struct CompressedStream: ~Copyable {
    private let context: OpaquePointer
    private let upload: any ObjectUpload
    private var room: [UInt8]
    private(set) var written: Int64 = 0

    init(_ upload: any ObjectUpload) throws(HostError) {
        guard let made = unsafe ZSTD_createCCtx() else { throw HostError(.resourceExhausted, nil, "out of memory") }
        unsafe context = made
        self.upload = upload
        room = [UInt8](repeating: 0, count: 1 << 18)
        _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Compressor.level)
        _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        // Beside this thread, which reads; where the library has no threads it does the work here.
        _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 2)
    }

    deinit { unsafe _ = ZSTD_freeCCtx(context) }

    mutating func write(_ bytes: [UInt8]) throws(HostError) { try pass(bytes, ZSTD_e_continue) }

    mutating func finish() throws(HostError) { try pass([], ZSTD_e_end) }

    private mutating func pass(_ bytes: [UInt8], _ end: ZSTD_EndDirective) throws(HostError) {
        var taken = 0
        while true {
            var produced = 0
            let left = unsafe bytes.withUnsafeBytes { source in
                unsafe room.withUnsafeMutableBytes { target in
                    var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: taken)
                    var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    let left = unsafe ZSTD_compressStream2(context, &output, &input, end)
                    taken = unsafe input.pos
                    produced = unsafe output.pos
                    return left
                }
            }
            guard ZSTD_isError(left) == 0 else {
                throw HostError(.internal, nil, "zstd: \(unsafe String(cString: ZSTD_getErrorName(left)))")
            }
            if produced > 0 {
                try upload.write(Array(room[..<produced]))
                written += Int64(produced)
            }
            if end == ZSTD_e_end ? left == 0 : taken == bytes.count { return }
        }
    }
}
