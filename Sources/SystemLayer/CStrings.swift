/// Strings laid out for C: one block of bytes and a NULL-terminated table of pointers into it.
public struct CStrings: Sendable {
    private let bytes: [CChar]
    private let offsets: [Int]

    /// Lays out the strings.
    ///
    /// - Parameter strings: any strings; one with a NUL ends there for C.
    public init(_ strings: [String]) {
        var bytes: [CChar] = []
        var offsets: [Int] = []
        for string in strings {
            offsets.append(bytes.count)
            bytes.append(contentsOf: CStrings.terminated(string))
        }
        self.bytes = bytes
        self.offsets = offsets
    }

    /// Gives the table to a call that wants `char *const []`.
    ///
    /// - Parameter body: may use the pointers only while it runs.
    /// - Returns: what the body returns.
    public func withPointers<Result>(
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var bytes = bytes.isEmpty ? [0] : bytes
        return unsafe bytes.withUnsafeMutableBufferPointer { block in
            var table: [UnsafeMutablePointer<CChar>?] = unsafe offsets.map {
                unsafe block.baseAddress?.advanced(by: $0)
            }
            unsafe table.append(nil)
            return unsafe table.withUnsafeMutableBufferPointer { pointers in
                // The table has its terminator at least, so it has an address.
                guard let base = pointers.baseAddress else { preconditionFailure("an array with an element") }
                return unsafe body(UnsafePointer(base))
            }
        }
    }

    static func terminated(_ string: String) -> [CChar] { string.utf8.map { CChar(bitPattern: $0) } + [0] }

    static func withOptional<Result>(_ bytes: [CChar]?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        guard let bytes else { return body(nil) }
        return unsafe bytes.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
