import PluginProtocol
import Testing

/// Every argument of every row, called wrongly: generated from the table.
@Suite struct WrongCallTests {
    struct Wrong: Sendable, CustomTestStringConvertible {
        let row: HostFunction
        let field: ArgumentField
        var testDescription: String { "\(row.name) \(field.name)" }
    }

    static let all = HostFunction.table.flatMap { row in row.arguments.fields.map { Wrong(row: row, field: $0) } }

    @Test(arguments: all)
    func isAnsweredWithTheArgumentAndWhatWasExpected(_ wrong: Wrong) throws {
        let trap = try Self.trap(wrong.row, wrong.field.name, Self.wrong(wrong.field.kind))
        let expected = "x.lua:7: \(wrong.row.name): \(wrong.field.name) "
        #expect(trap.message.hasPrefix(expected), "\(trap.message)")
        #expect(trap.message.contains("\n  expected  "), "\(trap.message)")
        #expect(trap.message.contains("[trap api."), "\(trap.message)")
        #expect(trap.message.contains(wrong.row.versionedName), "\(trap.message)")
    }

    @Test(arguments: all.filter(\.field.required))
    func isAnsweredWhenItIsMissing(_ wrong: Wrong) throws {
        let trap = try Self.trap(wrong.row, wrong.field.name, "nil")
        #expect(trap.message.hasPrefix("x.lua:7: \(wrong.row.name): \(wrong.field.name) is nil\n"), "\(trap.message)")
    }

    @Test(arguments: HostFunction.table)
    func everyExampleCompiles(_ row: HostFunction) throws {
        let verb = row.verbs[0]
        let script = ScriptFixture.source("    \(row.example)", needs: "\"\(row.name)\"", verb: verb)
        #expect(throws: Never.self) { try ScriptFixture(script) }
    }

    /// A field within a table that is an argument.
    struct Inner: Sendable, CustomTestStringConvertible {
        let row: HostFunction
        let outer: ArgumentField
        let field: ArgumentField
        var testDescription: String { "\(row.name) \(outer.name).\(field.name)" }
    }

    static let inner = all.flatMap { wrong -> [Inner] in
        guard case .record(let fields) = wrong.field.kind else { return [] }
        return fields.map { Inner(row: wrong.row, outer: wrong.field, field: $0) }
    }

    @Test(arguments: inner)
    func isAnsweredWithThePathOfAnInnerField(_ wrong: Inner) throws {
        let path = "\(wrong.outer.name).\(wrong.field.name)"
        let value = "{ \(wrong.field.name) = \(Self.wrong(wrong.field.kind)) }"
        let trap = try Self.trap(wrong.row, wrong.outer.name, value)
        #expect(trap.message.hasPrefix("x.lua:7: \(wrong.row.name): \(path) "), "\(trap.message)")
        #expect(trap.message.contains("\n  expected  "), "\(trap.message)")
        let misspelt = try Self.trap(wrong.row, wrong.outer.name, "{ \(wrong.field.name)x = 1 }")
        #expect(misspelt.message.contains("  mend      did you mean \(wrong.field.name)?"), "\(misspelt.message)")
    }

    @Test func innerFieldsAreThere() { #expect(Self.inner.count >= 3) }

    private static func trap(_ row: HostFunction, _ name: String, _ value: String) throws -> TrapFrame {
        let given = row.arguments.fields.filter { $0.required || $0.name == name }
        func word(_ field: ArgumentField) -> String { field.name == name ? value : right(field.kind) }
        let call: String
        switch row.arguments {
        case .record: call = "host.\(row.name) { \(given.map { "\($0.name) = \(word($0))" }.joined(separator: ", ")) }"
        case .positions: call = "host.\(row.name)(\(given.map(word).joined(separator: ", ")))"
        }
        return try ScriptFixture.trap("    \(call)", needs: "\"\(row.name)\"", verb: row.verbs[0])
    }

    private static func wrong(_ kind: ArgumentKind) -> String {
        switch kind {
        case .text, .integer: "1.5"
        case .bytes, .path, .program: "function() end"
        case .oneOf, .either: "\"neither this\""
        case .boolean: "\"yes\""
        case .list, .map, .arguments, .record: "7"
        case .process, .processes, .asset: "\"ok\""
        }
    }

    private static func right(_ kind: ArgumentKind) -> String {
        switch kind {
        case .text, .bytes: "\"web\""
        case .path: "\"/a\""
        case .program: "actor.tools.program"
        case .oneOf(let allowed): "\"\(allowed[0])\""
        case .integer(let range): "\(range.lowerBound)"
        case .boolean: "true"
        case .list(let element): "{ \(right(element)) }"
        case .map: "{ A = \"b\" }"
        case .arguments: "{ \"ls\" }"
        case .process, .processes: "actor.processes.web"
        case .asset: "actor.config.shelved"
        case .either(let kinds): right(kinds[0])
        case .record: "{}"
        }
    }
}
