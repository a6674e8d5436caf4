import Foundation
import HostErrors
import SystemLayer
import TestSupport
import Testing

@testable import Transfer

private let content = Array("a file of an artifact".utf8)
private let contentDigest = SHA256.hex(of: content)
private let quick = Patience(fruitlessAttempts: 2, attempts: 4, pauseMilliseconds: 1, stallSeconds: 5)

/// A registry that asks for a token, from whom it wants.
private struct Registry {
    let server: FaultServer
    let manifest: String
    var authority: String { "127.0.0.1:\(server.port)" }

    /// - Parameters:
    ///   - layers: the digests that the manifest lists.
    ///   - pair: what the token costs, as `Basic` takes it; nil gives it to anybody.
    /// - Throws: where the loopback takes no listener.
    init(layers: [String] = [contentDigest], pair: String? = nil) throws {
        let list = layers.map { #"{"mediaType":"x","size":1,"digest":"sha256:\#($0)"}"# }.joined(separator: ",")
        let bytes = Array(#"{"schemaVersion":2,"layers":[\#(list)]}"#.utf8)
        let digest = SHA256.hex(of: bytes)
        manifest = digest
        server = try FaultServer { request in
            if request.target.hasPrefix("/token") {
                guard pair == nil || request.headers["authorization"] == "Basic \(pair ?? "")" else {
                    return answer(401)
                }
                return answer(200, [], Array(#"{"token":"of-today"}"#.utf8))
            }
            guard request.headers["authorization"] == "Bearer of-today" else {
                let realm = "http://\(request.headers["host"] ?? "")/token"
                let challenge = #"Bearer realm="\#(realm)",service="here",scope="repository:tools/vmm:pull""#
                return answer(401, ["WWW-Authenticate: \(challenge)"])
            }
            switch request.target {
            case "/v2/tools/vmm/manifests/sha256:\(digest)": return answer(200, [], bytes)
            case "/v2/tools/vmm/manifests/sha256:\(contentDigest)": return answer(200, [], bytes)
            case "/v2/tools/vmm/blobs/sha256:\(contentDigest)": return answer(200, [], content)
            default: return answer(404)
            }
        }
    }

    func fetch(
        _ url: String,
        _ wanted: String = contentDigest,
        _ environment: [String: String] = [:]
    ) throws -> Result<[UInt8], HostError> {
        let target = try Target()
        let source = ObjectSource(
            origins: [try TrustedOrigin(server.base)],
            environment: environment,
            patience: quick
        )
        do throws(HostError) { try source.fetch(url, digest: wanted, into: target.file) } catch {
            return .failure(error)
        }
        return .success(try target.bytes)
    }
}

@Suite struct ArtifactTests {
    @Test("a layer is found by the manifest's digest and by its own, with the token that the registry names")
    func fetches() throws {
        let registry = try Registry(layers: [String(repeating: "a", count: 64), contentDigest])
        defer { registry.server.stop() }
        let address = "oci://\(registry.authority)/tools/vmm"
        for url in ["\(address)@sha256:\(registry.manifest)", address] {
            #expect(try registry.fetch(url).get() == content)
        }
        let tokens = registry.server.requests.filter { $0.target.hasPrefix("/token") }
        #expect(tokens.first?.target == "/token?service=here&scope=repository%3Atools%2Fvmm%3Apull")
        let asked = registry.server.requests.first { $0.target.contains("/manifests/") }
        #expect(asked?.headers["accept"]?.contains("application/vnd.oci.image.manifest.v1+json") == true)
        #expect(asked?.headers["authorization"] == nil, "nobody is asked first")
    }

    @Test("a manifest that is another, or lists another file, is refused")
    func refuses() throws {
        let registry = try Registry(layers: [String(repeating: "a", count: 64), String(repeating: "b", count: 64)])
        defer { registry.server.stop() }
        let address = "oci://\(registry.authority)/tools/vmm"
        func code(_ url: String) throws -> HostError.Code? {
            guard case .failure(let error) = try registry.fetch(url) else { return nil }
            return error.code
        }
        #expect(try code("\(address)@sha256:\(registry.manifest)") == .notFound)
        #expect(try code("\(address)@sha256:\(contentDigest)") == .dataLoss)
        #expect(try code("\(address)@sha256:\(String(repeating: "c", count: 64))") == .notFound)
        for url in ["\(address):latest", "\(address)@sha256:abc", "oci://", "oci://host", "oci://h/../x", "oci://h/A"] {
            #expect(try code(url) == .invalidArgument, "\(url)")
        }
    }

    @Test("who is known to the registry is who the operator's file says; both ways are told when both fail")
    func credentials() throws {
        let registry = try Registry(pair: "dXNlcjpwYXNz")
        defer { registry.server.stop() }
        let url = "oci://\(registry.authority)/tools/vmm@sha256:\(registry.manifest)"
        let scratch = try ScratchDirectory("auth")
        func file(_ pair: String) throws -> [String: String] {
            let text = #"{"auths":{"\#(registry.authority)":{"auth":"\#(pair)"}}}"#
            try AtomicFile.write(Array(text.utf8), to: "\(scratch.path)/config.json")
            return ["DOCKER_CONFIG": scratch.path]
        }
        #expect(try registry.fetch(url, contentDigest, file("dXNlcjpwYXNz")).get() == content)
        guard case .failure(let nobody) = try registry.fetch(url) else { throw TestFailure("it was given") }
        #expect(nobody.code == .permissionDenied)
        guard case .failure(let wrong) = try registry.fetch(url, contentDigest, file("b3RoZXI6eA==")) else {
            throw TestFailure("it was given")
        }
        #expect(wrong.message.hasPrefix("anonymous open failed (") && wrong.message.contains("main client open failed"))
        #expect(!wrong.message.contains("b3RoZXI6eA"))
    }
}
