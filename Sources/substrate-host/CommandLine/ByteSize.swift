/// Numbers of bytes as people write and read them: `20GiB`, `512MiB`, `4096`.
enum ByteSize {
    private static let units: [(name: String, shift: Int64)] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
    /// What to write, for messages.
    static let form = "bytes, or a whole number with KiB, MiB, GiB or TiB"

    /// Reads one.
    ///
    /// - Parameter text: a whole number, with one of the units directly behind it or none.
    /// - Returns: nil where it is none, or more than a file can have.
    static func parse(_ text: String) -> Int64? {
        let unit = units.first { text.hasSuffix($0.name) }
        let digits = text.dropLast(unit?.name.count ?? 0)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits) else {
            return nil
        }
        let (bytes, isOver) = number.multipliedReportingOverflow(by: 1 << (unit?.shift ?? 0))
        return isOver ? nil : bytes
    }

    /// Writes one for people: `1.5 GiB`.
    ///
    /// - Parameter bytes: not negative.
    /// - Returns: at most four digits and the unit.
    static func words(_ bytes: Int64) -> String {
        guard let unit = units.first(where: { bytes >= 1 << $0.shift }) else { return "\(bytes) B" }
        let tenths = bytes / ((1 << unit.shift) / 10)
        return tenths % 10 == 0 || tenths >= 1000
            ? "\(tenths / 10) \(unit.name)" : "\(tenths / 10).\(tenths % 10) \(unit.name)"
    }
}
