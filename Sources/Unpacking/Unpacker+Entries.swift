import CArchive
import Glibc
import HostErrors
import SystemLayer

/// The three things that an archive is made of.
extension Unpacker {
    mutating func file(
        _ entry: OpaquePointer,
        _ archive: OpaquePointer,
        _ parts: [String],
        _ last: String
    ) throws(HostError) {
        let size = unsafe archive_entry_size(entry)
        // Holes count too: a file's size is what its reader pays.
        guard size >= 0, size <= limits.bytes - bytes else {
            throw HostError(.resourceExhausted, nil, "archive unpacks to more than \(limits.bytes) bytes")
        }
        bytes += size
        let (user, group) = try unsafe owner(entry)
        let file = try make(parts, last)
        let number = file.rawValue
        var end: Int64 = 0
        while true {
            var block: UnsafeRawPointer?
            var count = 0
            var offset: la_int64_t = 0
            let result = unsafe archive_read_data_block(archive, &block, &count, &offset)
            if result == ARCHIVE_EOF { break }
            guard result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw unsafe damaged(archive) }
            guard offset >= 0, offset <= size, Int64(count) <= size - offset else {
                throw HostError(.invalidArgument, nil, "damaged archive: data past the end of \(printable(last))")
            }
            try unsafe checkRatio(archive)
            var done = 0
            while done < count {
                let wrote = unsafe pwrite(number, block?.advanced(by: done), count - done, Int(offset) + done)
                if wrote < 0 {
                    if errno == EINTR { continue }
                    throw tree.failure("pwrite", parts)
                }
                done += wrote
            }
            end = max(end, offset + Int64(count))
        }
        // What is a hole at the end was never written.
        guard end == size || ftruncate(number, Int(size)) == 0 else { throw tree.failure("ftruncate", parts) }
        if keepsOwners, fchown(number, user, group) != 0 { throw tree.failure("fchown", parts) }
        try unsafe attributes(entry, of: number, parts)
        guard fchmod(number, unsafe permissions(entry, user, group)) == 0 else { throw tree.failure("fchmod", parts) }
        var times = unsafe [modified(entry), modified(entry)]
        guard unsafe futimens(number, &times) == 0 else { throw tree.failure("futimens", parts) }
        do throws(SyscallError) { try file.close() } catch { throw storeError(error) }
    }

    /// A new file under that name, whatever was there.
    private func make(_ parts: [String], _ last: String) throws(HostError) -> OwnedFD {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let directory = try tree.directory(Array(parts.dropLast()), creating: true, "invalid tar entry")
        var number = unsafe openat(directory, last, flags, 0o600)
        if number < 0, errno == EEXIST {
            number = unsafe openat(try tree.makeWay(for: parts, "invalid tar entry"), last, flags, 0o600)
        }
        guard number >= 0 else { throw tree.failure("openat", parts) }
        return OwnedFD(number)
    }

    /// A file's permission bits.
    ///
    /// Where a layer keeps its owners, setuid and setgid mean what the image means by them; where all is root's, they
    /// survive where the owner was root, so that no other user's program becomes root's.
    private func permissions(_ entry: OpaquePointer, _ user: UInt32, _ group: UInt32) -> UInt32 {
        let given = unsafe UInt32(archive_entry_perm(entry))
        switch mode {
        case .layer where keepsOwners: return given & 0o7777
        case .durable: return given & 0o777
        case .layer, .layerOfRoot:
            return given & 0o777 | (user == 0 ? given & 0o4000 : 0) | (group == 0 ? given & 0o2000 : 0)
        }
    }

    mutating func makeDirectory(
        _ entry: OpaquePointer,
        _ parts: [String],
        _ last: String
    ) throws(HostError) {
        let owner = try unsafe owner(entry)
        var directory = try tree.directory(Array(parts.dropLast()), creating: true, "invalid tar entry")
        let standing = tree.kind(directory, last)
        // A link under that name stays, as upstream's ignored EEXIST leaves it.
        if standing == S_IFLNK { return }
        if standing != S_IFDIR {
            if standing != nil { directory = try tree.makeWay(for: parts, "invalid tar entry") }
            guard unsafe mkdirat(directory, last, 0o755) == 0 else { throw tree.failure("mkdirat", parts) }
        }
        let made = try tree.directory(parts, creating: false, "invalid tar entry")
        // A whiteout came first: the new directory shows nothing of the lower one.
        if mode.isLayer, standing == S_IFCHR { try tree.makeOpaque(made) }
        try unsafe attributes(entry, of: made, parts)
        finishes.append(
            Finishes.Finish(
                parts: parts,
                mode: unsafe UInt32(archive_entry_perm(entry)) & (mode == .layer && keepsOwners ? 0o7777 : 0o1777),
                owner: owner,
                modified: unsafe modified(entry)
            )
        )
        guard finishes.bytes <= limits.directoryBytes else {
            throw HostError(
                .resourceExhausted,
                nil,
                "archive holds too many directories: their names and facts are more than \(limits.directoryBytes) bytes"
            )
        }
    }

    func symbolicLink(_ entry: OpaquePointer, _ parts: [String], _ last: String) throws(HostError) {
        guard let target = unsafe string(archive_entry_symlink(entry) ?? archive_entry_symlink_utf8(entry)),
            !target.isEmpty, target.utf8.count < 4096
        else { throw HostError(.invalidArgument, nil, "invalid tar entry: symbolic link to nothing") }
        let (user, group) = try unsafe owner(entry)
        var directory = try tree.directory(Array(parts.dropLast()), creating: true, "invalid tar entry")
        if let old = tree.readLink(directory, last), sameBytes(old, target) { return }
        if unsafe symlinkat(target, directory, last) != 0 {
            guard errno == EEXIST else { throw tree.failure("symlinkat", parts) }
            directory = try tree.makeWay(for: parts, "invalid tar entry")
            guard unsafe symlinkat(target, directory, last) == 0 else { throw tree.failure("symlinkat", parts) }
        }
        if keepsOwners {
            guard unsafe fchownat(directory, last, user, group, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw tree.failure("fchownat", parts)
            }
        }
        var times = unsafe [modified(entry), modified(entry)]
        guard unsafe utimensat(directory, last, &times, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw tree.failure("utimensat", parts)
        }
    }

    func hardlink(_ parts: [String], _ target: String) throws(HostError) {
        let complaint = "invalid hardlink target"
        guard let last = parts.last, let source = try EntryName.parse(target, complaint), let sourceLast = source.last
        else { throw HostError(.invalidArgument, nil, "\(complaint): \(printable(target))") }
        if source.count == parts.count, zip(source, parts).allSatisfy({ sameBytes($0, $1) }) { return }
        let from: OwnedFD
        do throws(HostError) { from = try tree.open(Array(source.dropLast()), creating: false, complaint) } catch {
            throw HostError(.invalidArgument, nil, "\(complaint): \(printable(target))")
        }
        guard let kind = tree.kind(from.rawValue, sourceLast), kind == S_IFREG || kind == S_IFLNK else {
            throw HostError(.invalidArgument, nil, "\(complaint): \(printable(target))")
        }
        let directory = try tree.makeWay(for: parts, "invalid tar entry")
        guard unsafe linkat(from.rawValue, sourceLast, directory, last, 0) == 0 else {
            if errno == ENOENT { throw HostError(.invalidArgument, nil, "\(complaint): \(printable(target))") }
            throw tree.failure("linkat", parts)
        }
    }

    func apply(_ finish: Finishes.Finish) throws(HostError) {
        // The name may have become a link or a file since: then there is nothing to finish.
        guard let last = finish.parts.last,
            let above = try? tree.directory(Array(finish.parts.dropLast()), creating: false, ""),
            tree.kind(above, last) == S_IFDIR
        else { return }
        let number = unsafe openat(above, last, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw tree.failure("openat", finish.parts) }
        let directory = OwnedFD(number)
        if keepsOwners, fchown(number, finish.owner.0, finish.owner.1) != 0 {
            throw tree.failure("fchown", finish.parts)
        }
        guard fchmod(directory.rawValue, finish.mode) == 0 else { throw tree.failure("fchmod", finish.parts) }
        var times = [finish.modified, finish.modified]
        guard unsafe futimens(number, &times) == 0 else { throw tree.failure("futimens", finish.parts) }
    }

    /// Keeps the `user.` attributes; every other space is the kernel's, a filter's or overlayfs's own.
    ///
    /// - Source: security T54.
    private func attributes(_ entry: OpaquePointer, of descriptor: CInt, _ parts: [String]) throws(HostError) {
        guard mode.isLayer, unsafe archive_entry_xattr_reset(entry) > 0 else { return }
        var kept = 0
        while true {
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var size = 0
            guard unsafe archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK else { return }
            guard let text = unsafe string(name), text.hasPrefix("user."), !text.hasPrefix("user.overlay.") else {
                continue
            }
            kept += 1
            guard kept <= limits.attributes.count, size <= limits.attributes.bytes, text.utf8.count <= 255 else {
                throw HostError(
                    .resourceExhausted,
                    nil,
                    "more or longer attributes than \(limits.attributes.count) of \(limits.attributes.bytes) bytes"
                )
            }
            // An empty value may come without an address.
            let result =
                unsafe value.map { unsafe unpack_set_attribute(descriptor, text, $0, size) }
                ?? unpack_set_attribute(descriptor, text, "", 0)
            guard result == 0 || errno == EOPNOTSUPP else { throw tree.failure("fsetxattr \(printable(text))", parts) }
        }
    }

    /// To whom the entry belongs; numbers that no user can have are refused, since -1 would mean "as it is".
    private func owner(_ entry: OpaquePointer) throws(HostError) -> (UInt32, UInt32) {
        let (user, group) = unsafe (archive_entry_uid(entry), archive_entry_gid(entry))
        guard let valid = UInt32(exactly: user), valid != .max, let other = UInt32(exactly: group), other != .max else {
            throw HostError(.invalidArgument, nil, "invalid tar entry: owner \(user):\(group)")
        }
        return (valid, other)
    }

    private func modified(_ entry: OpaquePointer) -> timespec {
        unsafe timespec(tv_sec: archive_entry_mtime(entry), tv_nsec: archive_entry_mtime_nsec(entry))
    }
}
