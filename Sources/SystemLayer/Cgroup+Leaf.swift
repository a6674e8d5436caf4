import Glibc

extension Cgroup {
    /// A directory below an actor's own, for one program and all that it leaves: what is killed and counted as one.
    ///
    /// In the v2 hierarchy alone where there is one, since that knows who belongs to it; limits are the actor's.
    /// - Parameters:
    ///   - layout: the machine's.
    ///   - name: below the actor's name.
    /// - Returns: the cgroup, whether or not it exists.
    public static func leaf(layout: CgroupLayout, name: String) -> Cgroup {
        var only = layout
        if only.v2Base != nil { only.v1Bases = [:] }
        return open(layout: only, name: name)
    }

    /// Makes the directories, without limits of their own.
    ///
    /// - Throws: the errno of mkdir(2); EEXIST is fine.
    public func makeDirectories() throws(SyscallError) {
        for path in directories where unsafe mkdir(path, 0o755) != 0 && errno != EEXIST {
            guard errno == ENOENT else { throw SyscallError("mkdir", errno, path) }
            try FileTree.makeDirectories(path, mode: 0o755)
        }
    }

    /// Moves a process with all its threads here.
    ///
    /// - Parameter pid: its number.
    /// - Throws: the errno of write(2); ESRCH when it is gone.
    public func take(_ pid: Int32) throws(SyscallError) {
        for path in directories { try TextFile.write("\(pid)", to: "\(path)/cgroup.procs") }
    }

    /// Lets those in an actor's cgroup open a device, where the devices controller has a say.
    ///
    /// - Parameters:
    ///   - layout: the machine's.
    ///   - name: of the actor's cgroup.
    ///   - path: the node.
    /// - Throws: the failing call.
    public static func allowDevice(layout: CgroupLayout, name: String, path: String) throws(SyscallError) {
        guard let base = layout.v1Bases["devices"] else { return }
        var about = stat()
        guard unsafe stat(path, &about) == 0 else { throw SyscallError("stat", errno, path) }
        let kind = about.st_mode & S_IFMT == S_IFBLK ? "b" : "c"
        // The kernel's huge encoding: makedev(3).
        let device = UInt64(about.st_rdev)
        let major = (device >> 8 & 0xfff) | (device >> 32 & 0xffff_f000)
        let minor = (device & 0xff) | (device >> 12 & 0xffff_ff00)
        try TextFile.write("\(kind) \(major):\(minor) rw", to: "\(base)/\(name)/devices.allow")
    }
}
