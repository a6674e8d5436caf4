import PluginProtocol
import Testing

/// The table of host functions as data.
@Suite struct TableTests {
    @Test(arguments: HostFunction.table)
    func everyRowIsWhole(_ row: HostFunction) {
        #expect(row.summary.hasSuffix("."))
        #expect(row.since >= 1 && row.version >= 1)
        #expect(!row.verbs.isEmpty && row.verbs.allSatisfy(PluginVerb.all.contains))
        #expect(row.verbs.count == PluginVerb.all.count || !row.elsewhere.isEmpty, "a wrong verb has no mend")
        #expect(row.example.contains("host.\(row.name)"))
        #expect(row.costMicroseconds != nil || ["clock.sleep", "asset.commit"].contains(row.name))
        #expect(!row.failures.contains { [.ok, .timeout, .cancelled, .ioError].contains($0) }, "all may answer these")
        for field in row.arguments.fields { #expect(!field.summary.isEmpty, "\(row.name) \(field.name)") }
        for field in row.answers.fields { #expect(!field.summary.isEmpty, "\(row.name) \(field.name)") }
    }

    @Test func namesAreUniqueAndFound() {
        let names = HostFunction.table.map(\.name)
        #expect(Set(names).count == names.count)
        for row in HostFunction.table {
            #expect(HostFunction.named(row.name) == row)
            #expect(HostFunction.named(row.versionedName) == row)
            #expect(HostFunction.named("\(row.name)@\(row.version + 1)") == nil)
        }
        #expect(HostFunction.modules == ["workload", "process", "bundle", "file", "http", "asset", "clock"])
    }

    @Test func everyDefaultFitsItsField() throws {
        for row in HostFunction.table {
            for field in row.arguments.fields {
                guard let fallback = field.fallback else { continue }
                #expect(!field.required, "\(row.name) \(field.name)")
                var pairs = Self.required(of: row)
                pairs[field.name] = fallback
                let programs = ["/program": "actor.tools.program"]
                #expect(throws: Never.self) { try ArgumentCheck(row, programs: programs).complete(.map(pairs)) }
            }
        }
    }

    @Test func theHostFillsInDefaultsAlsoInNestedRecords() throws {
        let given = PluginValue.map(["container": .text("web"), "confine": .map(["root": .text("read-only")])])
        let full = try ArgumentCheck(.workloadStart).complete(given)
        #expect(full["confine"] == .map(["root": .text("read-only"), "seccomp": .text("default")]))
        let bare = try ArgumentCheck(.workloadStart).complete(.map(["container": .text("web")]))
        #expect(bare == ["container": .text("web")])
    }

    @Test func commandLinesAreFlattened() throws {
        let command = PluginValue.list([
            .text("a"), .boolean(false), .list([.text("b"), .list([.integer(3)]), .boolean(false)]), .list([]),
        ])
        let pairs = PluginValue.map(["container": .text("web"), "command": command])
        let checked = try ArgumentCheck(.workloadEnter).check([pairs])
        #expect(checked == .map(["container": .text("web"), "command": .list(["a", "b", "3"].map { .text($0) })]))
    }

    /// Right values for what a row demands.
    static func required(of row: HostFunction) -> [String: PluginValue] {
        var pairs: [String: PluginValue] = [:]
        for field in row.arguments.fields where field.required { pairs[field.name] = right(field.kind) }
        return pairs
    }

    /// A value that a kind takes.
    static func right(_ kind: ArgumentKind) -> PluginValue {
        switch kind {
        case .text: .text("web")
        case .bytes: .bytes([0, 255])
        case .path: .text("/a")
        case .program: .text("/program")
        case .oneOf(let allowed): .text(allowed[0])
        case .integer(let range): .integer(range.lowerBound)
        case .boolean: .boolean(true)
        case .list(let element): .list([right(element)])
        case .map: .map(["A": .text("b")])
        case .arguments: .list([.text("ls")])
        case .process, .processes: .handle(PluginHandle(index: 0, generation: 0))
        case .asset: .handle(PluginHandle(index: PluginHandle.assetMark, generation: 0))
        case .either(let kinds): right(kinds[0])
        case .record: .map([:])
        }
    }
}
