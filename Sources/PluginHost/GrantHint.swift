import Glibc

/// What an operator would write to give a tool or a device, with the path that it has on this machine.
public enum GrantHint {
    private static let places = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"]

    /// `tool:NAME=PATH`, the path where such a program is here, else where it would be.
    ///
    /// - Parameter name: as the script calls it.
    /// - Returns: the grant's text.
    public static func tool(_ name: String) -> String {
        let here = places.map { "\($0)/\(name)" }.first { (path: String) in unsafe access(path, X_OK) == 0 }
        return "tool:\(name)=\(here ?? "/usr/bin/\(name)")"
    }

    /// `device:NAME=PATH`.
    ///
    /// - Parameter name: as the script calls it.
    /// - Returns: the grant's text.
    public static func device(_ name: String) -> String { "device:\(name)=/dev/\(name)" }
}
