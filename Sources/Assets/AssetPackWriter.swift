import Glibc
public import HostErrors
import SystemLayer
import Transfer

/// One file that goes into a pack.
public struct PackInput: Sendable, Equatable {
    /// The asset's id.
    public let id: Int32
    /// Its name.
    public let name: String
    /// What it is for.
    public let bank: AssetBank
    /// The file to read.
    public let path: String
    /// The slot that it is preloaded to; nil = it is not.
    public let slot: UInt8?

    /// Makes one.
    ///
    /// - Parameters:
    ///   - id: the only one of its kind.
    ///   - name: the only one of its kind.
    ///   - bank: what it is for.
    ///   - path: a regular file.
    ///   - slot: where it is preloaded to, if it is.
    public init(id: Int32, name: String, bank: AssetBank, path: String, slot: UInt8? = nil) {
        self.id = id
        self.name = name
        self.bank = bank
        self.path = path
        self.slot = slot
    }
}

/// Makes packs: the same inputs in any order give the same bytes.
public enum AssetPackWriter {
    /// Writes a pack, whole or not at all; blocks.
    ///
    /// - Parameters:
    ///   - inputs: in any order; read twice, first for their digests.
    ///   - path: replaced if it is there.
    ///   - isCancelled: whether nobody wants it any more.
    /// - Returns: the pack, opened and checked.
    /// - Throws: INVALID_ARGUMENT for doubled ids, names or slots, NOT_FOUND for a file that is absent, ABORTED for one
    ///   that changed meanwhile, RESOURCE_EXHAUSTED on a full disk, CANCELLED.
    public static func write(
        _ inputs: [PackInput],
        to path: String,
        isCancelled: () -> Bool = { false }
    ) throws(HostError) -> AssetPack {
        let sorted = inputs.sorted { $0.id < $1.id }
        let slots = sorted.compactMap { input in input.slot.map { "\(input.bank.rawValue) \($0)" } }
        for (what, texts) in [("id", sorted.map { "\($0.id)" }), ("name", sorted.map(\.name)), ("slot", slots)] {
            for (index, text) in texts.enumerated() where texts[..<index].contains(text) {
                throw HostError(.invalidArgument, .asset, "two assets have the \(what) \(text)")
            }
        }
        var rows: [(input: PackInput, offset: UInt64, size: UInt64, sha256: String)] = []
        var end: UInt64 = 0
        for input in sorted {
            let offset = (end + 63) & ~63
            let (size, sha256) = try measure(input.path, isCancelled)
            end = offset + size
            rows.append((input, offset, size, sha256))
        }
        let table = rows.map { row -> PackJSON in
            let size = PackJSON.integer("\(row.size)")
            return .object([
                ("asset_id", .integer("\(row.input.id)")), ("asset_name", .string(row.input.name)),
                ("bank_type", .string(row.input.bank.rawValue)), ("codec", .string("none")), ("decoded_size", size),
                ("metadata", .object([])), ("offset", .integer("\(row.offset)")), ("sha256", .string(row.sha256)),
                ("size", size),
            ])
        }
        let preload = sorted.compactMap { input in
            input.slot.map { PackJSON.object([("asset_id", .integer("\(input.id)")), ("slot", .integer("\($0)"))]) }
        }
        let header = Array(
            PackJSON.object([("asset_table", .list(table)), ("preload", .list(preload))]).canonical.utf8
        )
        guard header.count <= AssetPack.headerLimit else {
            throw HostError(.invalidArgument, .asset, "the table has \(header.count) bytes, and may have 16 MiB")
        }
        let temporary = "\(path).tmp-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let number = unsafe Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard number >= 0 else { throw storeError("open", temporary) }
        do throws(HostError) {
            let output = OwnedFD(number)
            try put(prelude(header.count) + header, number)
            var position = UInt64(32 + header.count)
            let payload = PackPrelude.payloadOffset(headerLength: UInt64(header.count))
            try pad(&position, to: payload, number)
            for row in rows {
                try pad(&position, to: payload + row.offset, number)
                try copy(row.input.path, row.sha256, row.size, to: number, isCancelled)
                position += row.size
            }
            do throws(SyscallError) {
                guard fsync(number) == 0 else { throw SyscallError("fsync", errno, temporary) }
                try output.close()
            } catch { throw storeError(error) }
            _ = try AssetPack(path: temporary)
            guard unsafe rename(temporary, path) == 0 else { throw storeError("rename", path) }
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
        return try AssetPack(path: path)
    }

    static func prelude(_ headerLength: Int) -> [UInt8] {
        var bytes = AssetPack.magic
        func put(_ number: UInt64, _ count: Int) {
            for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(index * 8))) }
        }
        put(1, 4)
        put(UInt64(headerLength), 4)
        put(0, 4)
        put(PackPrelude.payloadOffset(headerLength: UInt64(headerLength)), 8)
        put(0, 8)
        return bytes
    }

    private static func open(_ path: String) throws(HostError) -> OwnedFD {
        let number = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else {
            throw HostError(
                errno == ENOENT ? .notFound : .failedPrecondition,
                .asset,
                "\(path): \(SyscallError("open", errno))"
            )
        }
        let file = OwnedFD(number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HostError(.invalidArgument, .asset, "\(path) is not a regular file")
        }
        return file
    }

    private static func measure(
        _ path: String,
        _ isCancelled: () -> Bool
    ) throws(HostError) -> (size: UInt64, sha256: String) {
        let file = try open(path)
        let sha256 = try SHA256.hex(ofDescriptor: file.rawValue, named: path, isCancelled: isCancelled)
        return (UInt64(lseek(file.rawValue, 0, SEEK_CUR)), sha256)
    }

    private static func copy(
        _ path: String,
        _ sha256: String,
        _ size: UInt64,
        to output: CInt,
        _ isCancelled: () -> Bool
    ) throws(HostError) {
        let input = try open(path)
        var digest = SHA256Stream()
        var total: UInt64 = 0
        while true {
            let some: [UInt8]
            do throws(SyscallError) { some = try readSome(65536, from: input.rawValue) } catch {
                throw storeError(error)
            }
            if some.isEmpty { break }
            if isCancelled() { throw HostError(.cancelled, nil, "the packing was cancelled") }
            digest.update(some)
            total += UInt64(some.count)
            guard total <= size else { break }
            try put(some, output)
        }
        guard total == size, digest.finishHex() == sha256 else {
            throw HostError(.aborted, .asset, "\(path) changed while it was packed; pack it again")
        }
    }

    private static func put(_ bytes: [UInt8], _ output: CInt) throws(HostError) {
        do throws(SyscallError) { try writeAll(bytes, to: output) } catch { throw storeError(error) }
    }

    private static func pad(_ position: inout UInt64, to end: UInt64, _ output: CInt) throws(HostError) {
        try put([UInt8](repeating: 0, count: Int(end - position)), output)
        position = end
    }
}
