/// What the program says of itself.
enum Program {
    /// The name in every message, however the file is called.
    static let name = "substrate-host"
    /// The version of this source; packaging checks it against the tag.
    static let version = "0.1.0"
}
