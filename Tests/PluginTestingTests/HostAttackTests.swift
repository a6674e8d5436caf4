import ActorContract
import Foundation
import HostErrors
import PluginOverlays
import PluginProtocol
import Telemetry
import Testing
import Transfer

@testable import PluginHost
@testable import PluginTesting

/// Attacks that call the host: whole backends over the real supervisor and broker, in a world that is data.
@Suite("attacks on the host functions", .serialized)
struct HostAttackTests {
    private static let directory = Bench.root.appendingPathComponent("Tests/LuaEngineTests/Attacks")
    private static let good = """
        return { name = "attack", api = 1, isolation = "none", needs = { "workload.start", "clock.left" },
          run = function(actor)
            assert(host.clock.left() > 0)
            try(host.workload.start { container = actor.containers[1].name })
            return "ok", { state = { n = 1 } }
          end,
          stop = function() return "ok" end }
        """

    static var scripts: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasPrefix("6") && $0.hasSuffix(".lua") }.sorted()
    }

    /// Supervisors of which the next verb gets the next.
    private final class Service {
        let pool: SupervisorPool
        let companions: Companions

        init() {
            let directory = URL(fileURLWithPath: Bench.executable).deletingLastPathComponent().path
            companions = Companions(directory: directory)
            pool = SupervisorPool(
                program: companions.supervisor,
                size: 2,
                confinement: .forAuthor(),
                logger: Logger(sink: SilentSink())
            )
        }

        deinit { pool.close() }

        /// What a run of a script came to: `ok`, the status that it answered, `trap CODE`, or whatever else ended it.
        func outcome(of source: [UInt8]) -> (word: String, text: String) {
            do throws(HostError) {
                let entry = PluginEntry(
                    name: "attack",
                    path: "/attack.lua",
                    origin: "test",
                    isShipped: false,
                    source: source,
                    libraries: [:],
                    hash: SHA256.hex(of:)
                )
                let subject = try TestSubject(entry, pool: pool, companions: companions, handlers: HostFunctions.all)
                let host = FakeHost(subject)
                host.world.setRules([ProgramRule(arguments: [])], of: "allowed")
                var container = Container()
                container.name = "web"
                container.command = ["/bin/server"]
                let actor = host.add(
                    FakeHost.Actor(
                        identity: ActorIdentity(
                            key: .autumn(atespace: "test", name: "a"),
                            uid: "u",
                            templateNamespace: "",
                            template: ""
                        ),
                        slot: "s",
                        containers: [container],
                        volumes: [],
                        assets: [:],
                        rootFiles: [:],
                        directory: host.directory(of: 0)
                    )
                )
                let outcome = host.run(actor)
                let left = host.close()
                return (left.isEmpty ? outcome.status : "left \(left)", outcome.trap ?? outcome.reason)
            } catch {
                return (error.context["plugin.trap"].map { "trap \($0)" } ?? "\(error.code)", error.message)
            }
        }
    }

    @Test("the scripts are here") func count() { #expect(Self.scripts.count == 38) }

    @Test("each ends as its first line says, and the next verb is unaffected")
    func attacks() throws {
        let service = Service()
        for name in Self.scripts {
            let text = try String(contentsOf: Self.directory.appendingPathComponent(name), encoding: .utf8)
            let first = text.split(separator: "\n", maxSplits: 1).first ?? ""
            let expected = first.replacingOccurrences(of: "-- expect: ", with: "").components(separatedBy: " | ")
            let outcome = service.outcome(of: Array(text.utf8))
            #expect(expected.contains(outcome.word), "\(name): \(outcome.word): \(outcome.text)")
            let next = service.outcome(of: Array(Self.good.utf8))
            #expect(next.word == "ok", "after \(name): \(next.word): \(next.text)")
        }
    }

    @Test("a supervisor that is killed by a signal is no outcome that a line accepts")
    func crash() throws {
        let service = Service()
        let outcome = service.outcome(of: Array("return { name = \"attack\", api = 1".utf8))
        #expect(outcome.word == "trap load.syntax")
        let accepted = try Set(
            Self.scripts.flatMap { name in
                let text = try String(contentsOf: Self.directory.appendingPathComponent(name), encoding: .utf8)
                return (text.split(separator: "\n").first ?? "").replacingOccurrences(of: "-- expect: ", with: "")
                    .components(separatedBy: " | ")
            }
        )
        #expect(!accepted.contains("crash") && !accepted.contains("failed") && !accepted.contains("io_error"))
    }
}
