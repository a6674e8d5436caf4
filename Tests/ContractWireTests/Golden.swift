import Foundation
import Testing

@testable import ContractWire

/// The bytes that a foreign implementation made: see Fixtures/make.py.
struct Golden {
    let name: String
    let bytes: [UInt8]
    let fields: String

    /// `june.RunRequest#1` → (`june`, `RunRequest`).
    var parts: (dialect: String, message: String) {
        let words = name.split(separator: "#")[0].split(separator: ".")
        return (String(words[0]), String(words[1]))
    }

    static let room = URL(filePath: #filePath).deletingLastPathComponent()
    static let root = room.deletingLastPathComponent().deletingLastPathComponent()

    static func all() throws -> [Golden] {
        let text = try String(contentsOf: room.appending(path: "Fixtures/golden.txt"), encoding: .utf8)
        return text.split(separator: "\n").map { line in
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return Golden(name: columns[0], bytes: unhex(columns[1]), fields: columns[2])
        }
    }

    static func named(_ name: String) throws -> [UInt8] {
        try #require(all().first { $0.name == name }, "no fixture \(name)").bytes
    }

    private static func unhex(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { UInt8($0 < 0x60 ? $0 - 0x30 : $0 - 0x57) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

extension WireMessage {
    /// The fields as make.py writes them.
    func flattened(_ path: String = "") -> [String] {
        var out: [String] = []
        for (field, values) in zip(schema.fields, values) {
            for (index, value) in values.enumerated() {
                let step = path + field.name + (field.isRepeated ? "[\(index)]" : "")
                switch value {
                case .string(let text): out.append("\(step)=\(text)")
                case .integer(let number): out.append("\(step)=\(number)")
                case .double(let number): out.append("\(step)=\(number)")
                case .bytes(let bytes):
                    out.append("\(step)=" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
                case .message(let message):
                    if !schema.isMapEntry && !message.schema.isMapEntry { out.append(step) }
                    out += message.flattened(step + ".")
                }
            }
        }
        return out
    }
}
