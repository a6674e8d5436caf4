import CSystemShims
import Glibc
public import SystemLayer

/// A root for the programs of this machine, which make containers of their own from it.
extension ContainerRoot {
    /// Mounts a container's overlay on a directory, in the mount namespace of the caller.
    ///
    /// - Parameters:
    ///   - place: an empty directory.
    ///   - layers: lower directories, the bottom one first.
    ///   - upper: where changes go.
    ///   - work: overlayfs's own directory.
    /// - Throws: the failing call.
    public static func mount(
        at place: String,
        layers: [String],
        upper: String,
        work: String
    ) throws(SyscallError) {
        try put(try overlay(layers: layers, upper: upper, work: work, [.noDevices, .noSetUserID]), at: place)
    }

    /// Makes a container's overlay whose owners are those of a user namespace, with what is on disk as without.
    ///
    /// The calling thread has mounts and file ids of its own afterwards: it is one that ends now.
    /// - Parameters:
    ///   - layers: lower directories, the bottom one first.
    ///   - upper: where changes go; in one directory with `work`, which holds nothing else.
    ///   - work: overlayfs's own directory.
    ///   - first: the machine's id that is 0 inside.
    /// - Returns: the mount, without a place.
    /// - Throws: the failing call.
    public static func shifted(
        layers: [String],
        upper: String,
        work: String,
        first: UInt32
    ) throws(SyscallError) -> OwnedFD {
        let apart = csh_own_mounts()
        guard apart == 0 else { throw SyscallError("unshare", -apart, "CLONE_NEWNS") }
        let users = try UserNamespace(first: first)
        try users.ownFiles()
        try users.cover(layers + [upper.lastIndex(of: "/").map { String(upper[..<$0]) } ?? "/"])
        return try overlay(layers: layers, upper: upper, work: work, [.noDevices, .noSetUserID])
    }

    /// Puts such an overlay over a directory, in the mount namespace of the caller.
    ///
    /// - Parameters:
    ///   - mount: without a place.
    ///   - place: an empty directory.
    /// - Throws: the failing call.
    public static func put(_ mount: borrowing OwnedFD, at place: String) throws(SyscallError) {
        let target = unsafe open(place, pathOnly | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard target >= 0 else { throw SyscallError("open", errno, place) }
        let directory = OwnedFD(target)
        try DetachedMount.attach(mount.rawValue, to: directory.rawValue, subject: place)
    }
}
