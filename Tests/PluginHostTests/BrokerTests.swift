import ActorContract
import HostErrors
import PluginProtocol
import Testing

@testable import PluginHost

/// The host's side of every call: nothing that a supervisor says is believed.
@Suite struct BrokerTests {
    @Test func everyServedRowIsOfTheTableAndNoRowIsForgotten() {
        let served = HostFunctions.served
        for row in served { #expect(HostFunction.named(row.versionedName) == row) }
        #expect(Set(served.map(\.name)).count == served.count)
        let missing = HostFunction.table.map(\.name).filter { name in !served.contains { $0.name == name } }
        #expect(missing.isEmpty)
    }

    @Test func aFunctionWithoutAHandlerIsNotOffered() throws {
        let fixture = try VerbFixture(
            grants: .shipped,
            handlers: HostFunctions.all.filter { $0.row.name != "process.adopt" }
        )
        #expect(fixture.broker.functions.contains("workload.start@1"))
        #expect(!fixture.broker.functions.contains("process.adopt@1"))
    }

    @Test(arguments: [
        ("nope.x@1", PluginValue.map([:])),
        ("clock.sleep", .map(["ms": .integer(1)])),
        ("clock.sleep@2", .map(["ms": .integer(1)])),
        ("clock.sleep@1", .map([:])),
        ("clock.sleep@1", .map(["ms": .float(1)])),
        ("clock.sleep@1", .map(["ms": .integer(-1)])),
        ("clock.sleep@1", .map(["ms": .integer(1), "more": .integer(1)])),
        ("clock.sleep@1", .list([.integer(1)])),
        ("process.stop@1", .map(["process": .list([])])),
        ("process.wait@1", .map(["processes": .list([.handle(PluginHandle(index: 7, generation: 0))])])),
        ("process.wait@1", .map(["processes": .list([.handle(.function)])])),
        ("file.write@1", .map(["path": .bytes([0x2f, 0]), "bytes": .text("")])),
    ])
    func aLyingSupervisorIsNotBelieved(_ function: String, _ arguments: PluginValue) throws {
        let fixture = try VerbFixture()
        let error = try #require(throws: HostError.self) {
            try fixture.broker.answer(function, arguments, line: 1)
        }
        #expect(error.code == .internal)
        #expect(error.reason == .plugin || error.reason == .notGranted)
        #expect(fixture.journal.lines.isEmpty)
    }

    @Test func whatIsNotGrantedIsNotDone() throws {
        let fixture = try VerbFixture(grants: Grants([]))
        let error = try #require(throws: HostError.self) {
            try fixture.broker.answer("workload.start@1", .map(["container": .text("web")]), line: 1)
        }
        #expect(error.reason == .notGranted)
        #expect(!fixture.broker.functions.contains("workload.start@1"))
    }

    @Test func randomCallsNeverHarmTheHost() throws {
        let fixture = try VerbFixture(timeoutMilliseconds: 50)
        var random = SystemRandomNumberGenerator()
        let names = HostFunction.table.map(\.versionedName)
        let words = HostFunction.table.flatMap(\.arguments.fields).map(\.name)
        func value(_ depth: Int) -> PluginValue {
            switch Int.random(in: 0...(depth > 3 ? 6 : 8), using: &random) {
            case 0: .null
            case 1: .boolean(.random(using: &random))
            case 2: .integer(.random(in: -2...(.max), using: &random))
            case 3: .float(.infinity)
            case 4: .text(["", "/", "\(fixture.places.work)/f", "../x"].randomElement(using: &random) ?? "")
            case 5: .bytes([0, 255])
            case 6:
                .handle(
                    PluginHandle(
                        index: .random(in: 0...2, using: &random),
                        generation: .random(in: 0...1, using: &random)
                    )
                )
            case 7: .list((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth + 1) })
            default:
                .map(
                    Dictionary(
                        (0..<Int.random(in: 0...4, using: &random)).map { _ in
                            (words.randomElement(using: &random) ?? "", value(depth + 1))
                        },
                        uniquingKeysWith: { $1 }
                    )
                )
            }
        }
        var answered = 0
        for _ in 0..<20_000 {
            let name = names.randomElement(using: &random) ?? ""
            if (try? fixture.broker.answer(name, value(0), line: 1)) != nil { answered += 1 }
        }
        #expect(answered > 0)
        let begun = fixture.journal.lines.filter { $0.hasPrefix("begin") }.count
        #expect(fixture.journal.lines.count == 2 * begun, "an effect without its outcome")
    }

    /// A handler that answers in a shape that its row does not have.
    private enum Broken: HostHandler {
        struct Arguments: HostArguments {
            init(_ fields: CheckedFields) {}
        }
        static let row = HostFunction.clockLeft
        static func answer(_ arguments: Arguments, _ call: HostCall) -> HostReply { .ok(.text("soon")) }
    }

    @Test func aHandlerThatBreaksItsRowIsABugThatIsSaid() throws {
        let fixture = try VerbFixture(handlers: [BoundHandler(Broken.self)])
        let error = try #require(throws: HostError.self) {
            try fixture.broker.answer("clock.left@1", .map([:]), line: 1)
        }
        #expect(error.code == .internal && error.reason == nil)
        #expect(error.message.contains("bug of the host"))
    }

    @Test func aNeedWithoutItsGrantSaysWhoMendsIt() throws {
        var descriptor = try PluginDescriptor(
            .map([
                "name": .text("x"), "api": .integer(1), "isolation": .text("none"),
                "verbs": .list([.text("run"), .text("stop")]), "needs": .list([.text("process.run")]),
                "tools": .map(["bwrap": .text("optional")]),
            ]),
            name: "x",
            file: "x.lua"
        )
        #expect(
            Grants.standard.refusal(of: descriptor, file: "x.lua") == """
                x.lua: needs process.run, and no grant lets it run a program
                  expected  asset, or tool:<name>=<path>
                  got       workload, bundle
                  mend      operator: --grant tool:bwrap=/usr/bin/bwrap, or backends.x.grants in substrate.yaml
                """
        )
        #expect(Grants.shipped.refusal(of: descriptor, file: "x.lua") == nil)
        var grants = Grants.standard
        grants.tools = ["bwrap": "/usr/bin/bwrap"]
        #expect(grants.refusal(of: descriptor, file: "x.lua") == nil)
        #expect(grants.names == ["workload", "bundle", "tool:bwrap"])
        descriptor.tools = ["bwrap": true]
        #expect(grants.refusal(of: descriptor, file: "x.lua") == nil)
        descriptor.tools = ["bwrap": true, "other": true]
        #expect(
            grants.refusal(of: descriptor, file: "x.lua") == """
                x.lua: requires the tool other, and nobody granted it
                  expected  tool:other=<path>
                  got       workload, bundle, tool:bwrap
                  mend      operator: --grant tool:other=/usr/bin/other, or backends.x.grants in substrate.yaml
                """
        )
        descriptor.tools = [:]
        descriptor.needs = ["clock.left", "process.wait"]
        #expect(Grants([]).refusal(of: descriptor, file: "x.lua") == nil)
    }
}
