import Foundation
import Testing

@testable import PluginProtocol

/// Released rows: nothing that a script relies on is taken away or changed; what is optional may be added.
@Suite struct ReleasedTests {
    /// A row or a table as it was released.
    struct Released: Sendable, CustomTestStringConvertible {
        let name: String
        /// The fields that were optional, and those of the answer: those that came later are not looked at.
        let optional: [String]
        let digest: String
        var testDescription: String { name }
    }

    /// FNV-1a: against accidents, not against adversaries.
    static func digest(_ text: String) -> String {
        let value = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(value, radix: 16)
    }

    /// What a script relies on in a row.
    static func signature(_ row: HostFunction, optional: [String]) -> String {
        func field(_ field: ArgumentField) -> String {
            "\(field.name)\(field.required ? "" : "?") \(kind(field.kind))\(field.fallback.map { " = \($0)" } ?? "")"
        }
        func kind(_ kind: ArgumentKind) -> String {
            guard case .record(let inner) = kind else { return "\(kind)" }
            return
                "{ \(inner.filter { $0.required || optional.contains($0.name) }.map(field).joined(separator: ", ")) }"
        }
        let arguments = row.arguments.fields.filter { $0.required || optional.contains($0.name) }.map(field)
        let style = if case .record = row.arguments { "record" } else { "positions" }
        let answers = row.answers.fields.filter { optional.contains($0.name) }.map { "\($0.name) \($0.kind)" }
        let answer = String("\(row.answers)".prefix { $0.isLetter })
        return """
            \(row.versionedName) since \(row.since) any of \(row.anyOf.map(\.rawValue)) in \(row.verbs.sorted())
            \(style) \(arguments.joined(separator: "; "))
            \(answer) \(answers.joined(separator: "; ")) or \(row.failures.map(\.rawValue).sorted())
            """
    }

    static func signature(_ table: PluginTable, optional: [String]) -> String {
        let fields = table.fields.filter { !$0.isOptional || optional.contains($0.name) }
        return "\(table.name) \(table.base)\n"
            + fields.map { "\($0.name)\($0.isOptional ? "?" : "") \($0.type) = \($0.fallback) since \($0.since)" }
            .sorted()
            .joined(separator: "\n")
    }

    @Test(arguments: released)
    func isWhatItWas(_ frozen: Released) throws {
        let signature: String
        if let row = HostFunction.table.first(where: { $0.versionedName == frozen.name }) {
            signature = Self.signature(row, optional: frozen.optional)
        } else {
            let table = try #require(PluginTable.named(frozen.name), "\(frozen.name) was released and is gone")
            signature = Self.signature(table, optional: frozen.optional)
        }
        #expect(
            Self.digest(signature) == frozen.digest,
            "\(frozen.name) was released: a different meaning is a new version. It is now\n\(signature)"
        )
    }

    @Test func everyRowAndTableIsFrozen() {
        let frozen = Set(Self.released.map(\.name))
        func freeze(_ name: String, _ optional: [String], _ signature: String) {
            let words = optional.map { "\"\($0)\"" }.joined(separator: ", ")
            let line = "Released(name: \"\(name)\", optional: [\(words)], digest: \"\(Self.digest(signature))\"),"
            #expect(frozen.contains(name), "a new one is frozen by this line: \(line)")
        }
        for row in HostFunction.table {
            let inner = row.arguments.fields.flatMap { field -> [ArgumentField] in
                if case .record(let fields) = field.kind { [field] + fields } else { [field] }
            }
            let optional = inner.filter { !$0.required }.map(\.name) + row.answers.fields.map(\.name)
            freeze(row.versionedName, optional, Self.signature(row, optional: optional))
        }
        for table in PluginTable.all {
            let optional = table.fields.filter(\.isOptional).map(\.name)
            freeze(table.name, optional, Self.signature(table, optional: optional))
        }
    }

    @Test func additionsPassAndChangesDoNot() throws {
        let row = HostFunction.httpRequest
        let optional = row.arguments.fields.filter { !$0.required }.map(\.name) + row.answers.fields.map(\.name)
        func with(_ fields: [ArgumentField], _ failures: [PluginStatus] = row.failures) -> HostFunction {
            HostFunction(
                row.name,
                row.summary,
                verbs: row.verbs,
                effect: row.effect,
                arguments: .record(fields),
                answers: row.answers,
                failures: failures,
                cost: nil,
                example: row.example
            )
        }
        let fields = row.arguments.fields
        let before = Self.signature(row, optional: optional)
        #expect(Self.signature(with(fields + [.optional("new", .text, "")]), optional: optional) == before)
        #expect(Self.signature(with(fields + [.required("new", .text, "")]), optional: optional) != before)
        #expect(Self.signature(with(Array(fields.dropLast())), optional: optional) != before)
        #expect(Self.signature(with(fields, []), optional: optional) != before)
        let narrowed = fields.map { $0.name == "body" ? .optional("body", .bytes(8), "") : $0 }
        #expect(Self.signature(with(narrowed), optional: optional) != before)
    }
}
