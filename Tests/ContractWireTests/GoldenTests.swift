import ActorContract
import Foundation
import HostErrors
import Testing

@testable import ContractWire

@Suite struct GoldenTests {
    private static func schemas(_ dialect: Dialect) -> [MessageSchema] {
        ContractMethod.allCases.compactMap { $0.schema(dialect) }.flatMap { $0.reachable() }
            + [.restoreConfiguration]
    }

    @Test func everyFixtureDecodesToTheForeignFieldsAndBack() throws {
        for golden in try Golden.all()
        where golden.parts.dialect != "host" && !golden.parts.message.hasSuffix("Response") {
            let dialect: Dialect = golden.parts.dialect == "june" ? .june : .autumn
            // The earlier autumn's Readyz is today's WakeupProbe.
            let name = dialect == .autumn && golden.parts.message == "Readyz" ? "WakeupProbe" : golden.parts.message
            let schema = try #require(
                Self.schemas(dialect).first { $0.name == name },
                "\(golden.name) is no message of ours"
            )
            let message = try WireDecoder.decode(golden.bytes, as: schema)
            #expect(message.flattened().joined(separator: ";") == golden.fields, "\(golden.name)")
            #expect(message.encoded() == golden.bytes, "\(golden.name)")
        }
    }

    @Test func everyMessageOfOurProtosHasAFixture() throws {
        let fixtures = Set(try Golden.all().map { "\($0.parts.dialect).\($0.parts.message)" })
        for dialect in ["june", "autumn"] {
            let url = Golden.root.appending(path: "Sources/ContractWire/Protos/\(dialect).proto")
            let text = try String(contentsOf: url, encoding: .utf8)
            let names = text.split(separator: "\n").filter { $0.hasPrefix("message ") }
                .map { "\(dialect)." + $0.split(separator: " ")[1] }
            #expect(names.count == fixtures.filter { $0.hasPrefix(dialect + ".") }.count)
            for name in names { #expect(fixtures.contains(name), "no fixture for \(name)") }
        }
    }

    private static let hasGenerator = FileManager.default.isExecutableFile(atPath: "/usr/bin/protoc-c")
    private static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"

    @Test(.enabled(if: hasGenerator || isCI, "protoc-c is not installed: apt-get install protobuf-c-compiler"))
    func theGeneratedCIsThatOfTheProtos() throws {
        let process = Process()
        process.executableURL = Golden.root.appending(path: ".ci/protos")
        process.arguments = ["--check"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "the checked-in C is not that of the .proto files: make protos")
    }

    @Test(arguments: ["june", "autumn", "early"])
    func requestsOfEveryVariantDecodeAndSurviveOurEncoder(_ variant: String) throws {
        let dialect: Dialect = variant == "june" ? .june : .autumn
        for golden in try Golden.all() where golden.parts.dialect == variant {
            let bytes = golden.bytes
            switch golden.parts.message {
            case "RunRequest":
                #expect(try ContractWire.detect(bytes, method: .run, configured: .auto) == dialect)
                let run = try ContractWire.decodeRun(bytes, dialect: dialect)
                #expect(run.spec.containers.first?.environment.first?.value == "grüß dich")
                #expect(run.spec.volumes == [Volume(name: "data", source: .durableDirectory)])
                #expect(run.spec.containers.first?.readiness?.port == 8080)
                #expect(try ContractWire.decodeRun(ContractWire.encode(run), dialect: dialect) == run)
            case "CheckpointRequest":
                #expect(try ContractWire.detect(bytes, method: .checkpoint, configured: .auto) == dialect)
                var checkpoint = try ContractWire.decodeCheckpoint(bytes, dialect: dialect)
                #expect(checkpoint.scope == .data)
                checkpoint.spec.containers[0].environment = []
                let again = try ContractWire.decodeCheckpoint(ContractWire.encode(checkpoint), dialect: dialect)
                #expect(again == checkpoint)
            case "RestoreRequest":
                #expect(try ContractWire.detect(bytes, method: .restore, configured: .auto) == dialect)
                if variant == "june" {
                    let restore = try ContractWire.decodeRestore(bytes, dialect: dialect)
                    #expect(try ContractWire.decodeRestore(ContractWire.encode(restore), dialect: dialect) == restore)
                    continue
                }
                let restore = try ContractWire.decodeRestore(bytes, dialect: dialect)
                #expect(restore.scope == .dataOnGolden)
                #expect(restore.baseURI == (variant == "early" ? "s3://bucket/golden" : "gs://bucket/a/b/"))
                #expect(restore.shared == (golden.name == "autumn.RestoreRequest#1"))
                #expect(try ContractWire.decodeRestore(ContractWire.encode(restore), dialect: dialect) == restore)
            case "TerminateRequest":
                let terminate = try ContractWire.decodeTerminate(bytes)
                #expect(try ContractWire.decodeTerminate(ContractWire.encode(terminate)) == terminate)
            case "UploadPausedCheckpointRequest":
                let upload = try ContractWire.decodeUploadPausedCheckpoint(bytes)
                #expect(upload.keepLocal && upload.scope == .data)
                #expect(ContractWire.encode(upload) == bytes)
            case "PruneLocalCheckpointsRequest":
                #expect(ContractWire.encode(try ContractWire.decodePruneLocalCheckpoints(bytes)) == bytes)
            default: continue
            }
        }
    }
}
