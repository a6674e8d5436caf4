import CSystemShims
public import SystemLayer

/// Mounts that exist before they have a place: made whole, then put where a descriptor points.
public enum DetachedMount {
    /// What a mount refuses; the values are the kernel's.
    ///
    /// - Source: linux/mount.h, `MOUNT_ATTR_…`.
    public struct Attributes: OptionSet, Sendable {
        /// The kernel's bits.
        public let rawValue: UInt32

        /// Takes the kernel's bits.
        ///
        /// - Parameter rawValue: `MOUNT_ATTR_…`.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Writes fail with EROFS.
        public static let readOnly = Attributes(rawValue: 1)
        /// Set-user-id bits mean nothing.
        public static let noSetUserID = Attributes(rawValue: 2)
        /// Device nodes cannot be opened.
        public static let noDevices = Attributes(rawValue: 4)
        /// Programs cannot be executed.
        public static let noExecution = Attributes(rawValue: 8)
    }

    /// A second view of a mounted directory or file.
    ///
    /// - Parameters:
    ///   - path: as this process sees it now.
    ///   - attributes: what the view refuses.
    ///   - recursive: whether the mounts below it come along.
    /// - Returns: the mount.
    /// - Throws: the failing call.
    public static func view(
        of path: String,
        _ attributes: Attributes,
        recursive: Bool = false
    ) throws(SyscallError) -> OwnedFD {
        // OPEN_TREE_CLONE 1, AT_RECURSIVE 0x8000, O_CLOEXEC 0x80000.
        let number = unsafe csh_open_tree(-100, path, 0x80001 | (recursive ? 0x8000 : 0))
        guard number >= 0 else { throw SyscallError("open_tree", -number, path) }
        let mount = OwnedFD(number)
        guard !attributes.isEmpty else { return mount }
        try change(mount.rawValue, attributes, recursive: recursive, subject: path)
        return mount
    }

    /// A second view of what a descriptor means.
    static func view(
        ofDescriptor descriptor: CInt,
        _ attributes: Attributes,
        subject: String
    ) throws(SyscallError) -> OwnedFD {
        // AT_EMPTY_PATH 0x1000 beside the flags above.
        let number = unsafe csh_open_tree(descriptor, "", 0x81001)
        guard number >= 0 else { throw SyscallError("open_tree", -number, subject) }
        let mount = OwnedFD(number)
        try change(number, attributes, subject: subject)
        return mount
    }

    /// A new file system without a source, such as `tmpfs`.
    ///
    /// - Parameters:
    ///   - type: the kernel's name for it.
    ///   - options: keys with their values; nil for a flag.
    ///   - attributes: what the mount refuses.
    /// - Returns: the mount.
    /// - Throws: the failing call, with the option it was about.
    public static func new(
        _ type: String,
        _ options: [(String, String?)],
        _ attributes: Attributes
    ) throws(SyscallError) -> OwnedFD {
        let number = unsafe csh_fsopen(type)
        guard number >= 0 else { throw SyscallError("fsopen", -number, type) }
        let context = OwnedFD(number)
        for (key, value) in options {
            let result: CInt
            if let value {
                result = unsafe csh_fsconfig_string(number, key, value)
            } else {
                result = unsafe csh_fsconfig_flag(number, key)
            }
            guard result == 0 else { throw SyscallError("fsconfig", -result, "\(type) \(key)=\(value ?? "")") }
        }
        let created = csh_fsconfig_create(number)
        guard created == 0 else { throw SyscallError("fsconfig", -created, type) }
        let mount = csh_fsmount(number, attributes.rawValue)
        guard mount >= 0 else { throw SyscallError("fsmount", -mount, type) }
        try context.close()
        return OwnedFD(mount)
    }

    /// Changes what an existing mount refuses.
    ///
    /// - Parameters:
    ///   - mount: a descriptor of the mount's root.
    ///   - attributes: added to what it refuses already.
    ///   - recursive: whether the mounts below it change as well.
    ///   - subject: for the error.
    /// - Throws: the errno of mount_setattr(2).
    public static func change(
        _ mount: CInt,
        _ attributes: Attributes,
        recursive: Bool = false,
        subject: String
    ) throws(SyscallError) {
        let result = csh_mount_setattr(mount, UInt64(attributes.rawValue), recursive ? 1 : 0)
        guard result == 0 else { throw SyscallError("mount_setattr", -result, subject) }
    }

    /// Gives a mount its place.
    ///
    /// - Parameters:
    ///   - mount: a detached mount.
    ///   - target: a descriptor of what it covers: a directory for a directory, a file for a file.
    ///   - subject: for the error.
    /// - Throws: the errno of move_mount(2).
    public static func attach(_ mount: CInt, to target: CInt, subject: String) throws(SyscallError) {
        let result = csh_move_mount(mount, target)
        guard result == 0 else { throw SyscallError("move_mount", -result, subject) }
    }
}
