import CArchive
import Glibc
public import HostErrors
import SystemLayer

/// Writes directories whose contents are a stranger's into one tar archive.
///
/// Never follows a link, never opens what is no regular file, and stores a hole as a hole.
/// - Source: security T47-T49.
public struct Packer: ~Copyable {
    /// The deepest nesting, which is also how many descriptors are open at most.
    private static let maxDepth = 256
    /// The most bytes of all files together, holes included.
    private static let maxBytes: Int64 = 1 << 40

    /// A file by device and inode.
    private struct Identity: Hashable {
        var device: UInt
        var inode: UInt
    }
    private let output: CInt
    /// Whether what overlayfs leaves for what is gone becomes what a layer of an image has for it.
    private let isLayer: Bool
    private let zeros = [UInt8](repeating: 0, count: 1 << 20)
    private var links: [Identity: String] = [:]
    private var bytes: Int64 = 0

    /// Makes one.
    ///
    /// - Parameters:
    ///   - output: where the archive goes; owned by the caller.
    ///   - isLayer: whether the directories are upper ones of overlays, to be unpacked as layers.
    public init(output: CInt, isLayer: Bool = false) {
        self.output = output
        self.isLayer = isLayer
    }

    /// Writes the archive: `<name>/…` for each directory.
    ///
    /// - Parameter roots: names without slashes, and their open directories, owned by the caller.
    /// - Throws: FAILED_PRECONDITION for a device or too deep a tree, RESOURCE_EXHAUSTED for too much.
    public consuming func pack(_ roots: [(name: String, directory: CInt)]) throws(HostError) {
        guard let archive = unsafe archive_write_new(), let entry = unsafe archive_entry_new() else {
            throw HostError(.resourceExhausted, nil, "out of memory")
        }
        defer {
            unsafe archive_entry_free(entry)
            unsafe _ = archive_write_free(archive)
        }
        unsafe archive_write_set_format_pax_restricted(archive)
        unsafe archive_write_set_bytes_in_last_block(archive, 1)
        try unsafe check(archive_write_open_fd(archive, output), archive)
        for root in roots {
            var status = stat()
            guard unsafe fstat(root.directory, &status) == 0 else { throw storeError("fstat", root.name) }
            try unsafe header(archive, entry, root.name, status)
            try unsafe walk(archive, entry, root.directory, root.name, 0)
        }
        try unsafe check(archive_write_close(archive), archive)
    }

    private mutating func walk(
        _ archive: OpaquePointer,
        _ entry: OpaquePointer,
        _ directory: CInt,
        _ path: String,
        _ depth: Int
    ) throws(HostError) {
        guard depth < Self.maxDepth else {
            throw HostError(.failedPrecondition, nil, "directories nest deeper than \(Self.maxDepth)")
        }
        for name in try DirectoryTree.names(inOpen: directory, path) {
            let below = "\(path)/\(name)"
            var status = stat()
            if unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 {
                guard errno == ENOENT else { throw storeError("fstatat", below) }
                guard name.unicodeScalars.contains("\u{FFFD}") else { continue }
                throw HostError(.failedPrecondition, nil, "a durable volume holds a name that is not UTF-8: \(below)")
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                let number = unsafe openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard number >= 0 else { throw storeError("openat", below) }
                let child = OwnedFD(number)
                guard unsafe fstat(number, &status) == 0 else { throw storeError("fstat", below) }
                try unsafe header(archive, entry, below, status)
                if isLayer, unpack_is_opaque(number) == 1 {
                    try unsafe whiteout(archive, entry, "\(below)/.wh..wh..opq")
                }
                try unsafe walk(archive, entry, child.rawValue, below, depth + 1)
            case S_IFLNK:
                guard let target = StagingTree(root: directory).readLink(directory, name) else { continue }
                unsafe fill(entry, below, status)
                unsafe archive_entry_set_symlink(entry, target)
                try unsafe check(archive_write_header(archive, entry), archive)
            case S_IFREG: try unsafe file(archive, entry, directory, name, below)
            case S_IFCHR where isLayer && status.st_rdev == 0:
                try unsafe whiteout(archive, entry, "\(path)/.wh.\(name)")
            case S_IFIFO, S_IFSOCK: continue  // They hold no data: who made them makes them again.
            default:
                let place = isLayer ? "a container's root" : "a durable volume"
                throw HostError(.failedPrecondition, nil, "\(place) holds a device: \(printable(below))")
            }
        }
    }

    private mutating func file(
        _ archive: OpaquePointer,
        _ entry: OpaquePointer,
        _ directory: CInt,
        _ name: String,
        _ path: String
    ) throws(HostError) {
        let number = unsafe openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard number >= 0 else { throw storeError("openat", path) }
        let file = OwnedFD(number)
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw storeError("fstat", path) }
        // Swapped since it was looked at: nothing but a regular file is read.
        guard status.st_mode & S_IFMT == S_IFREG else { return }
        if status.st_nlink > 1 {
            let identity = Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
            if let first = links[identity] {
                unsafe fill(entry, path, status)
                unsafe archive_entry_set_size(entry, 0)
                unsafe archive_entry_set_hardlink(entry, first)
                try unsafe check(archive_write_header(archive, entry), archive)
                return
            }
            links[identity] = path
        }
        let size = Int64(status.st_size)
        guard size <= Self.maxBytes - bytes else {
            throw HostError(.resourceExhausted, nil, "durable volumes hold more than \(Self.maxBytes) bytes")
        }
        bytes += size
        unsafe fill(entry, path, status)
        unsafe archive_entry_set_size(entry, size)
        let extents = try extents(number, status, path)
        for extent in extents where extents != [0..<size] {
            unsafe archive_entry_sparse_add_entry(entry, extent.lowerBound, Int64(extent.count))
        }
        try unsafe check(archive_write_header(archive, entry), archive)
        var offset: Int64 = 0
        for extent in extents {
            // The writer drops what lies between extents, yet wants to be given it.
            try unsafe fillGap(archive, from: offset, to: extent.lowerBound)
            offset = try unsafe copy(archive, number, extent, path)
            guard offset == extent.upperBound else { break }
        }
        try unsafe fillGap(archive, from: offset, to: size)
    }

    /// Where a file has data; at least the whole of it where it has no holes.
    private func extents(_ number: CInt, _ status: stat, _ path: String) throws(HostError) -> [Range<Int64>] {
        let size = Int64(status.st_size)
        guard Int64(status.st_blocks) * 512 < size else { return size == 0 ? [] : [0..<size] }
        var found: [Range<Int64>] = []
        var offset: Int64 = 0
        // 3 and 4 are SEEK_DATA and SEEK_HOLE, which the headers hide without _GNU_SOURCE (lseek(2)).
        while offset < size {
            let start = Int64(lseek(number, Int(offset), 3))
            if start < 0 {
                if errno == ENXIO { break }
                return [0..<size]
            }
            let end = min(Int64(lseek(number, Int(start), 4)), size)
            guard end > start else { break }
            guard found.count < 1 << 16 else { return [0..<size] }
            found.append(start..<end)
            offset = end
        }
        return found.isEmpty ? [size..<size] : found
    }

    private func copy(
        _ archive: OpaquePointer,
        _ number: CInt,
        _ extent: Range<Int64>,
        _ path: String
    ) throws(HostError) -> Int64 {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset = extent.lowerBound
        while offset < extent.upperBound {
            let want = min(buffer.count, Int(extent.upperBound - offset))
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe pread(number, $0.baseAddress, want, Int(offset)) }
            if count < 0 {
                if errno == EINTR { continue }
                throw storeError("pread", path)
            }
            if count == 0 { break }  // Shrunk meanwhile: the writer pads.
            let wrote = unsafe buffer.withUnsafeBytes { unsafe archive_write_data(archive, $0.baseAddress, count) }
            guard wrote == count else { throw unsafe failed(archive) }
            offset += Int64(count)
        }
        return offset
    }

    private func fillGap(_ archive: OpaquePointer, from start: Int64, to end: Int64) throws(HostError) {
        var left = end - start
        while left > 0 {
            let count = min(Int(left), zeros.count)
            let wrote = unsafe zeros.withUnsafeBytes { unsafe archive_write_data(archive, $0.baseAddress, count) }
            guard wrote == count else { throw unsafe failed(archive) }
            left -= Int64(count)
        }
    }

    private func header(
        _ archive: OpaquePointer,
        _ entry: OpaquePointer,
        _ path: String,
        _ status: stat
    ) throws(HostError) {
        unsafe fill(entry, path, status)
        try unsafe check(archive_write_header(archive, entry), archive)
    }

    /// An empty file by whose name a layer says what it hides.
    private func whiteout(_ archive: OpaquePointer, _ entry: OpaquePointer, _ path: String) throws(HostError) {
        var status = stat()
        status.st_mode = S_IFREG
        unsafe fill(entry, path, status)
        unsafe archive_entry_set_size(entry, 0)
        try unsafe check(archive_write_header(archive, entry), archive)
    }

    private func fill(_ entry: OpaquePointer, _ path: String, _ status: stat) {
        unsafe archive_entry_clear(entry)
        unsafe archive_entry_set_pathname(entry, path)
        unsafe archive_entry_set_filetype(entry, status.st_mode & S_IFMT)
        unsafe archive_entry_set_perm(entry, status.st_mode & 0o1777)
        unsafe archive_entry_set_uid(entry, Int64(status.st_uid))
        unsafe archive_entry_set_gid(entry, Int64(status.st_gid))
        unsafe archive_entry_set_mtime(entry, status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }

    private func check(_ result: CInt, _ archive: OpaquePointer) throws(HostError) {
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw unsafe failed(archive) }
    }

    private func failed(_ archive: OpaquePointer) -> HostError {
        let words = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "unknown"
        let full = unsafe archive_errno(archive) == ENOSPC
        return HostError(full ? .resourceExhausted : .internal, nil, "cannot write the archive: \(printable(words))")
    }
}
