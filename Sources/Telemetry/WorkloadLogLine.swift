/// One line of a workload's output as it is shipped: a flat JSON object with the actor's labels.
///
/// - Source: contract §4.7, its bugs done right (§11 H 44–47).
public enum WorkloadLogLine {
    /// Where the labels stand.
    public static let labelsKey = "labels"
    /// Where another reader of the same lines looks for labels: a workload must not write there.
    public static let foreignLabelsKey = "logging.googleapis.com/labels"
    /// More bytes of one line than this are cut, and the line is text.
    public static let limit = 256 * 1024

    /// Makes the line to ship from a line as it was written.
    ///
    /// One whole JSON object keeps its fields, numbers as written; `time` is added if missing and our labels are
    /// merged in, winning over the workload's of the same name. Everything else is text under `message`.
    /// - Parameters:
    ///   - bytes: without the newline; any bytes.
    ///   - timeNanoseconds: when it was read, Unix time.
    ///   - labels: such as `ate.dev/actor_id`.
    /// - Returns: the object without a newline; nil for an empty line, which is not shipped.
    public static func format(bytes: [UInt8], timeNanoseconds: Int64, labels: [String: String]) -> String? {
        if bytes.isEmpty { return nil }
        let ours = labels.sorted { $0.key < $1.key }
        let time = JSONText.quoted(WallClock.text(timeNanoseconds))
        if bytes.count <= limit, String(validating: bytes, as: UTF8.self) != nil,
            let members = JSONObjectScanner.members(bytes[...])
        {
            return object(members, time: time, labels: ours)
        }
        let isCut = bytes.count > limit
        let message = JSONText.quoted(String(decoding: bytes.prefix(limit), as: UTF8.self))
        return "{\"time\":\(time),\"message\":\(message)"
            + (isCut ? ",\"cut_bytes\":\(bytes.count - limit)" : "")
            + ",\"\(labelsKey)\":\(object([], adding: ours))}"
    }

    private static func object(
        _ members: [JSONObjectScanner.Member],
        time: String,
        labels: [(key: String, value: String)]
    ) -> String {
        var theirs: [JSONObjectScanner.Member] = []
        var fields: [JSONObjectScanner.Member] = []
        var hasTime = false
        for member in last(members) {
            switch member.key {
            case foreignLabelsKey: continue
            // Anything but an object is replaced.
            case labelsKey: theirs = JSONObjectScanner.members(member.value) ?? []
            default:
                if member.key == "time" { hasTime = true }
                fields.append(member)
            }
        }
        var bytes = Array("{".utf8)
        if !hasTime { bytes += Array("\"time\":\(time),".utf8) }
        for field in fields { append(field, to: &bytes) }
        bytes += Array("\"\(labelsKey)\":".utf8)
        return String(decoding: bytes, as: UTF8.self) + object(theirs, adding: labels) + "}"
    }

    /// The workload's labels less those that are ours, then ours.
    private static func object(
        _ theirs: [JSONObjectScanner.Member],
        adding ours: [(key: String, value: String)]
    ) -> String {
        var bytes = Array("{".utf8)
        let taken = Set(ours.map(\.key))
        for member in last(theirs) where !taken.contains(member.key) { append(member, to: &bytes) }
        for (key, value) in ours { bytes += Array("\(JSONText.quoted(key)):\(JSONText.quoted(value)),".utf8) }
        if bytes.last == UInt8(ascii: ",") { bytes.removeLast() }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ member: JSONObjectScanner.Member, to bytes: inout [UInt8]) {
        bytes += Array(JSONText.quoted(member.key).utf8)
        bytes.append(UInt8(ascii: ":"))
        bytes += member.value
        bytes.append(UInt8(ascii: ","))
    }

    /// The last member of each key, as readers of JSON mostly do: a repeated key must not hide one from us.
    private static func last(_ members: [JSONObjectScanner.Member]) -> [JSONObjectScanner.Member] {
        var place: [String: Int] = [:]
        var result: [JSONObjectScanner.Member] = []
        for member in members {
            if let index = place[member.key] {
                result[index] = member
            } else {
                place[member.key] = result.count
                result.append(member)
            }
        }
        return result
    }
}
