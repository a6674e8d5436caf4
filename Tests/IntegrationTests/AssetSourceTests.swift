import Foundation
import HostErrors
import SystemLayer
import TestSupport
import Testing
import Transfer

/// A base directory and the command line that fetches into it.
struct AssetBench {
    let scratch: ScratchDirectory
    var base: String { "\(scratch.path)/base" }
    var entries: [String] { get throws { try DirectoryTree.names(in: "\(base)/static-files") } }

    init() throws { scratch = try ScratchDirectory("assets") }

    /// What this machine's own environment may say of networks.
    private static let unset = [
        "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "HTTPS_PROXY",
        "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    ]

    /// `assets …` on the base directory, with more of an environment, as `NAME=value`.
    func assets(_ environment: [String] = [], _ arguments: String...) async throws -> ProgramRun {
        let words = ["assets"] + arguments + ["--base-dir", base]
        return try await ProgramRun.run(
            "/usr/bin/env",
            Self.unset.flatMap { ["-u", $0] } + environment + [TestMachine.host] + words
        )
    }
    /// The path of an entry.
    func entry(_ sha256: String) -> String { "\(base)/static-files/runsc-\(sha256)" }
}

let assetBody = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
let assetDigest = SHA256.hex(of: assetBody)

@Suite(
    "Assets of a real S3 server that checks signatures",
    .serialized,
    .enabled(if: TestMachine.needs(ForeignServer.hasObjects), "Python has no moto here: pip install 'moto[server]'")
)
struct AssetObjectTests {
    @Test("credentials of the environment open what is private; without them, or with others, both ways are told")
    func signed() async throws {
        let bench = try AssetBench()
        let file = "\(bench.scratch.path)/object"
        try Data(assetBody).write(to: URL(fileURLWithPath: file))
        // What a signature has encoded, and what it has as it is. This server refuses its own SDK's for other characters.
        let key = "tools/v1.2/my tool~1.bin"
        let server = try ForeignServer("objects.py", file, key)
        defer { server.stop() }
        let place = ["AWS_ENDPOINT_URL=http://127.0.0.1:\(server.words[0])", "AWS_S3_USE_PATH_STYLE=true"]
        let identity = "AWS_ACCESS_KEY_ID=\(server.words[1])"
        let right = place + [identity, "AWS_SECRET_ACCESS_KEY=\(server.words[2])", "AWS_REGION=us-east-1"]
        let url = "assets/" + Percent.encode(key)

        let first = try await bench.assets(right, "fetch", "s3://\(url)", assetDigest.uppercased())
        #expect(first.code == 0, "\(first.error)")
        #expect(first.output == "\(bench.entry(assetDigest))\n")
        #expect(try SHA256.hex(ofFile: bench.entry(assetDigest)) == assetDigest)

        // As upstream: with this backend the scheme says nothing.
        for scheme in ["gs", "https"] {
            let other = try AssetBench()
            let got = try await other.assets(
                right + ["ATE_STORAGE_BACKEND=s3"],
                "fetch",
                "\(scheme)://\(url)",
                assetDigest
            )
            #expect(got.code == 0, "\(scheme): \(got.error)")
        }

        // The same signature, as Google's store takes it from holders of HMAC keys.
        let google = [
            "STORAGE_EMULATOR_HOST=http://127.0.0.1:\(server.words[0])", "GS_ACCESS_KEY_ID=\(server.words[1])",
            "GS_SECRET_ACCESS_KEY=\(server.words[2])",
        ]
        let hmac = try await AssetBench().assets(google, "fetch", "gs://\(url)", assetDigest)
        #expect(hmac.code == 0, "\(hmac.error)")

        let wrong = place + [identity, "AWS_SECRET_ACCESS_KEY=of-somebody-else"]
        let refused = try await AssetBench().assets(wrong, "fetch", "s3://\(url)", assetDigest)
        #expect(refused.code == 1)
        #expect(refused.error.contains("anonymous open failed (") && refused.error.contains("main client open failed:"))
        #expect(!refused.error.contains("of-somebody-else"))

        let nobody = try await AssetBench().assets(place, "fetch", "s3://\(url)", assetDigest)
        #expect(nobody.code == 1 && !nobody.error.contains("main client"))

        let absent = try await AssetBench().assets(right, "fetch", "s3://assets/nothing", assetDigest)
        #expect(absent.code == 1 && absent.error.contains("404"), "\(absent.error)")
    }
}

@Suite("Assets of servers that fail", .serialized)
struct AssetFaultTests {
    @Test("two processes that want one digest make one transfer")
    func processes() async throws {
        let server = try FaultServer(pace: 400_000) { _ in answer(200, [], assetBody) }
        defer { server.stop() }
        let bench = try AssetBench()
        async let one = bench.assets([], "fetch", "\(server.base)/x", assetDigest, "--json")
        async let two = bench.assets([], "fetch", "\(server.base)/x", assetDigest, "--json")
        let both = try await [one, two]
        #expect(both.map(\.code) == [0, 0], "\(both.map(\.error))")
        #expect(server.requests.count == 1)
        #expect(both.count { $0.output.contains("\"fetched\": true") } == 1)
        #expect(try bench.entries == ["runsc-\(assetDigest)"])
    }

    @Test("a process killed in the middle leaves no entry, and what it left is swept by the next")
    func killed() async throws {
        // Slow: whoever looks sees it under way, on a machine under load too.
        let server = try FaultServer(pace: 100_000) { _ in answer(200, [], assetBody) }
        defer { server.stop() }
        let bench = try AssetBench()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: TestMachine.host)
        process.arguments = ["assets", "fetch", "\(server.base)/x", assetDigest, "--base-dir", bench.base]
        try process.run()
        try await eventually("bytes come") {
            let names = try bench.entries
            return names.contains { $0.contains("-download-") } ? () : nil
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(try bench.entries.allSatisfy { $0.contains("-download-") })
        #expect(try await bench.assets([], "ls", "--json").output == "[]\n")
        #expect(try bench.entries == [])
        #expect(try await bench.assets([], "fetch", "\(server.base)/y", assetDigest).code == 0)
        #expect(try bench.entries == ["runsc-\(assetDigest)"])
    }

    @Test(
        "a full disk is said to be full, and nothing is left on it",
        .enabled(if: TestMachine.needs(TestMachine.isRoot), "only root mounts")
    )
    func full() async throws {
        let server = try FaultServer { _ in answer(200, [], assetBody) }
        defer { server.stop() }
        let bench = try AssetBench()
        try DirectoryTree.make(bench.base)
        let mounted = try await ProgramRun.run("/bin/mount", ["-t", "tmpfs", "-o", "size=128k", "none", bench.base])
        try #require(mounted.code == 0, "\(mounted.error)")
        let run: ProgramRun
        let left: [String]
        do {
            run = try await bench.assets([], "fetch", "\(server.base)/x", assetDigest)
            left = try bench.entries
        } catch {
            _ = try await ProgramRun.run("/bin/umount", [bench.base])
            throw error
        }
        _ = try await ProgramRun.run("/bin/umount", [bench.base])
        #expect(run.code == 1 && run.error.contains("No space left"), "\(run.error)")
        #expect(left == [])
        #expect(server.requests.count == 1, "a full disk is not tried again")
    }

    @Test("a body that is cut, then a server that fails, then one that goes on: one file, whole")
    func mends() async throws {
        let server = try FaultServer { request in
            switch request.earlier {
            case 0: answer(200, ["ETag: \"1\""], Array(assetBody.prefix(120_000)), length: assetBody.count)
            case 1: answer(500, [], [1, 2, 3])
            default:
                answer(
                    206,
                    [
                        "ETag: \"1\"",
                        "Content-Range: bytes \(request.range ?? 0)-\(assetBody.count - 1)/\(assetBody.count)",
                    ],
                    Array(assetBody[(request.range ?? 0)...])
                )
            }
        }
        defer { server.stop() }
        let run = try await AssetBench().assets([], "fetch", "\(server.base)/x", assetDigest, "--json")
        #expect(run.code == 0 && run.output.contains("\"bytes\": \(assetBody.count)"), "\(run.error)")
        #expect(server.requests.map(\.range) == [nil, 120_000, 120_000])
    }

    @Test("other bytes than the digest says are refused, and leave nothing")
    func wrongBytes() async throws {
        let server = try FaultServer { _ in answer(200, [], assetBody.reversed()) }
        defer { server.stop() }
        let bench = try AssetBench()
        let run = try await bench.assets([], "fetch", "\(server.base)/x", assetDigest)
        #expect(run.code == 1 && run.error.contains("sha256 mismatch; got="), "\(run.error)")
        #expect(try bench.entries == [])
    }

    @Test("a proxy of the environment is asked instead of the server")
    func proxy() async throws {
        let server = try FaultServer { _ in answer(200, [], assetBody) }
        defer { server.stop() }
        let run = try await AssetBench().assets(
            ["http_proxy=\(server.base)"],
            "fetch",
            "http://assets.invalid/dir/x",
            assetDigest
        )
        #expect(run.code == 0, "\(run.error)")
        #expect(server.requests.map(\.target) == ["http://assets.invalid/dir/x"])
    }

    @Test("an authority of the operator's own is believed where a variable names it, and nowhere else")
    func authority() async throws {
        let bench = try AssetBench()
        let (file, certificate, key) = (
            "\(bench.scratch.path)/file", "\(bench.scratch.path)/certificate", "\(bench.scratch.path)/key"
        )
        try Data(assetBody).write(to: URL(fileURLWithPath: file))
        let made = try await ProgramRun.run(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
            ]
        )
        try #require(made.code == 0, "\(made.error)")
        let server = try ForeignServer("secure.py", file, certificate, key)
        defer { server.stop() }
        let url = "https://127.0.0.1:\(server.words[0])/x"
        let stranger = try await bench.assets([], "fetch", url, assetDigest)
        #expect(stranger.code == 1 && stranger.error.contains("certificate"), "\(stranger.error)")
        for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"] {
            let run = try await AssetBench().assets(["\(name)=\(certificate)"], "fetch", url, assetDigest)
            #expect(run.code == 0, "\(name): \(run.error)")
        }
    }
}
