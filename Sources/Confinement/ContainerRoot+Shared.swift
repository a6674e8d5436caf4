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
        let target = unsafe open(place, pathOnly | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard target >= 0 else { throw SyscallError("open", errno, place) }
        let directory = OwnedFD(target)
        let mount = try overlay(layers: layers, upper: upper, work: work, [.noDevices, .noSetUserID])
        try DetachedMount.attach(mount.rawValue, to: directory.rawValue, subject: place)
    }
}
