/// A launch plan that is not one.
public struct PlanError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// What a plan asks the launcher for: its first four bytes.
///
/// Then each field in order: numbers as eight bytes, little endian; text as its length and its bytes.
public enum PlanKind: String, Sendable, CaseIterable {
    /// A container of an actor: `LaunchPlan`.
    case container = "SLP1"
    /// A program of a script in the tool room: `ToolPlan`.
    case tool = "STP1"
    /// A program inside a container that runs: `EnterPlan`.
    case enter = "SEP1"

    /// The kind of a plan.
    ///
    /// - Parameter bytes: the whole plan.
    /// - Returns: nil when it is none of this version.
    public static func of(_ bytes: [UInt8]) -> PlanKind? { allCases.first { bytes.starts(with: $0.rawValue.utf8) } }
}

struct PlanWriter {
    private(set) var bytes: [UInt8]

    init(_ kind: PlanKind) { bytes = Array(kind.rawValue.utf8) }

    mutating func number(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    mutating func flag(_ value: Bool) { number(value ? 1 : 0) }

    mutating func string(_ value: String) {
        number(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func strings(_ values: [String]) {
        number(UInt64(values.count))
        for value in values { string(value) }
    }
}

struct PlanReader {
    private let bytes: [UInt8]
    private var offset: Int

    init(_ bytes: [UInt8], _ kind: PlanKind) throws(PlanError) {
        guard bytes.count <= LaunchPlan.sizeLimit else { throw PlanError("a plan of \(bytes.count) bytes") }
        guard PlanKind.of(bytes) == kind else { throw PlanError("not a launch plan of this version") }
        self.bytes = bytes
        offset = kind.rawValue.utf8.count
    }

    func error(_ words: String) -> PlanError { PlanError("\(words), before byte \(offset)") }

    mutating func number() throws(PlanError) -> UInt64 {
        guard bytes.count - offset >= 8 else { throw error("cut short") }
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        offset += 8
        return value
    }

    mutating func number(below limit: UInt64) throws(PlanError) -> UInt64 {
        let value = try number()
        guard value < limit else { throw error("\(value) is not below \(limit)") }
        return value
    }

    mutating func flag() throws(PlanError) -> Bool { try number(below: 2) == 1 }

    mutating func count() throws(PlanError) -> Int { Int(try number(below: 65_536)) }

    mutating func string() throws(PlanError) -> String {
        let count = Int(try number(below: UInt64(LaunchPlan.sizeLimit)))
        guard bytes.count - offset >= count else { throw error("a text of \(count) bytes is cut short") }
        let slice = bytes[offset..<(offset + count)]
        guard !slice.contains(0) else { throw error("a NUL in a text") }
        guard let text = String(validating: slice, as: UTF8.self) else { throw error("a text is not UTF-8") }
        offset += count
        return text
    }

    mutating func strings() throws(PlanError) -> [String] {
        var all: [String] = []
        for _ in 0..<(try count()) { all.append(try string()) }
        return all
    }

    func end() throws(PlanError) {
        guard offset == bytes.count else { throw error("\(bytes.count - offset) bytes too many") }
    }
}

extension PlanWriter {
    mutating func bytes8(_ values: [UInt8]) {
        number(UInt64(values.count))
        for value in values { number(UInt64(value)) }
    }

    mutating func ids(_ user: UInt32, _ group: UInt32, _ groups: [UInt32]) {
        number(UInt64(user))
        number(UInt64(group))
        number(UInt64(groups.count))
        for group in groups { number(UInt64(group)) }
    }

    /// 0 stands for none: a user namespace that begins there would keep nobody apart.
    mutating func firstID(_ id: UInt32?) { number(UInt64(id ?? 0)) }

    mutating func mounts(_ mounts: [LaunchPlan.Mount]) {
        number(UInt64(mounts.count))
        for mount in mounts {
            string(mount.source)
            string(mount.target)
            flag(mount.readOnly)
        }
    }
}

extension PlanReader {
    mutating func bytes8(below limit: UInt64) throws(PlanError) -> [UInt8] {
        var all: [UInt8] = []
        for _ in 0..<(try count()) { all.append(UInt8(try number(below: limit))) }
        return all
    }

    /// A user, a group and further groups; the number that means none is refused.
    mutating func ids() throws(PlanError) -> (UInt32, UInt32, [UInt32]) {
        let user = UInt32(try number(below: UInt64(UInt32.max)))
        let group = UInt32(try number(below: UInt64(UInt32.max)))
        var groups: [UInt32] = []
        for _ in 0..<(try count()) { groups.append(UInt32(try number(below: UInt64(UInt32.max)))) }
        return (user, group, groups)
    }

    mutating func firstID() throws(PlanError) -> UInt32? {
        let first = UInt32(try number(below: UInt64(UInt32.max - LaunchPlan.idCount)))
        return first == 0 ? nil : first
    }

    mutating func mounts() throws(PlanError) -> [LaunchPlan.Mount] {
        var all: [LaunchPlan.Mount] = []
        for _ in 0..<(try count()) {
            let source = try string()
            let target = try string()
            all.append(LaunchPlan.Mount(source: source, target: target, readOnly: try flag()))
        }
        return all
    }
}
