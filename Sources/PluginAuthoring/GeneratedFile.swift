public import PluginProtocol

/// A file that is made from the tables and checked in.
public struct GeneratedFile: Sendable, Equatable {
    /// Its path below the checkout.
    public let path: String
    /// Its whole text.
    public let text: String

    /// Everything that `make types` writes.
    ///
    /// - Parameter rows: the host functions.
    /// - Returns: types, pages and the linter's settings.
    public static func all(_ rows: [HostFunction] = HostFunction.table) -> [GeneratedFile] {
        TypesText.files(rows) + ReferencePage.files(rows) + [LuacheckText.file(rows)]
    }
}
