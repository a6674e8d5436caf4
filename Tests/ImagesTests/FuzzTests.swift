import Foundation
import HostErrors
import TestSupport
import Testing
import Transfer

@testable import Images

/// Manifests, indexes and configurations that nobody wrote: read or refused, never a crash, never a name outside.
///
/// `SUBSTRATE_FUZZ_RUNS` says how many; the seeds are counted from 1, so that a run can be repeated.
@Suite struct ImageFuzzTests {
    private static let runs = ProcessInfo.processInfo.environment["SUBSTRATE_FUZZ_RUNS"].flatMap { UInt64($0) } ?? 1500
    private static let digest = "sha256:\(SHA256.hex(of: []))"
    private static let documents = [
        """
        {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":\
        "application/vnd.oci.image.config.v1+json","digest":"\(digest)","size":2},"layers":[{"mediaType":\
        "application/vnd.oci.image.layer.v1.tar+gzip","digest":"\(digest)","size":32},{"digest":"\(digest)","size":0}]}
        """,
        """
        {"schemaVersion":2,"manifests":[{"digest":"\(digest)","size":7,"platform":{"architecture":"amd64","os":"linux"},\
        "annotations":{"org.opencontainers.image.ref.name":"a"}},{"digest":"\(digest)","size":7,"platform":\
        {"architecture":"arm64","os":"linux"}}]}
        """,
        """
        {"architecture":"amd64","os":"linux","config":{"User":"1000:50","Env":["PATH=/bin","A=b=c"],"Entrypoint":\
        ["/f","-x"],"Cmd":["y"],"WorkingDir":"/w"},"rootfs":{"type":"layers","diff_ids":["\(digest)"]}}
        """,
    ]
    private static let pieces = [
        "null", "[]", "{}", "-1", "1e999", "18446744073709551616", "\"", "\\u0000", "../", "sha256:", "sha512:",
        "\u{0}",
        "[[[[[[[[[[[[[[[[", "\"size\":-5,", "\"digest\":\"sha256:../../etc\",", ",", "}", "\u{202E}", "é",
    ]

    private static func spoil(_ text: String, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0 ... .max, using: &random)
            case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...20, using: &random)))
            case 2: bytes.insert(contentsOf: Array((pieces.randomElement(using: &random) ?? "").utf8), at: at)
            case 3: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 80)], at: at)
            // A digit for a digit leaves a document whole.
            default: bytes[at] = (0x30...0x39).contains(bytes[at]) ? 0x39 : bytes[at]
            }
        }
        return bytes
    }

    @Test("documents that nobody wrote are read, or refused as what they are")
    func documents() throws {
        var (read, refused) = (0, 0)
        for seed in 1...Self.runs {
            var random = SeededGenerator(seed: seed)
            let which = Int(seed % 3)
            let bytes = Self.spoil(Self.documents[which], &random)
            do throws(HostError) {
                let kind: DocumentKind = try decodeDocument(bytes, "fuzz")
                switch which {
                case 0:
                    let manifest = try ImageManifest(bytes, named: "fuzz")
                    #expect((1...ImageManifest.maxLayers).contains(manifest.layers.count), "seed \(seed)")
                    for descriptor in [manifest.config] + manifest.layers {
                        let hex = try descriptor.hex()
                        #expect(hex.utf8.count == 64 && hex.utf8.allSatisfy(Self.isHex), "seed \(seed): \(hex)")
                    }
                    #expect(manifest.layers.allSatisfy { $0.size >= 0 }, "seed \(seed)")
                case 1:
                    guard kind.isIndex else { break }
                    let index: ImageIndex = try decodeDocument(bytes, "fuzz")
                    let hex = try ImageIndex.choose(index.manifests).hex()
                    #expect(hex.utf8.allSatisfy(Self.isHex), "seed \(seed): \(hex)")
                default: _ = try ImageConfiguration(bytes, named: "fuzz")
                }
                read += 1
            } catch {
                refused += 1
                #expect([.invalidArgument, .notFound].contains(error.code), "seed \(seed): \(error)")
            }
        }
        // Neither all nor none: a fuzzer that is refused at the first byte shows nothing.
        #expect(read > Self.runs / 20 && refused > Self.runs / 20, "\(read) read, \(refused) refused")
    }

    private static func isHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }

    @Test("references that nobody wrote lead nowhere outside")
    func references() throws {
        let goods = [
            "host.example:5000/team/app:v1@\(Self.digest)", "oci:/srv/layout:tag", "docker://localhost/a/b", "busybox",
            "[::1]:5000/x/y:z",
        ]
        var (read, refused) = (0, 0)
        for seed in 1...Self.runs {
            var random = SeededGenerator(seed: seed)
            let bytes = Self.spoil(goods[Int(seed % 5)], &random)
            do throws(HostError) {
                switch try ImageReference(String(decoding: bytes, as: UTF8.self)) {
                case .layout(let directory, _):
                    #expect(directory.hasPrefix("/") && !directory.utf8.contains(0), "seed \(seed)")
                case .registry(let name):
                    let parts = name.repository.split(separator: "/", omittingEmptySubsequences: false)
                    #expect(parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }, "seed \(seed): \(name)")
                    #expect(!name.host.isEmpty && !name.host.hasPrefix("-"), "seed \(seed): \(name)")
                    #expect(name.digest != nil || name.tag != nil, "seed \(seed)")
                }
                read += 1
            } catch {
                refused += 1
                #expect(error.code == .invalidArgument, "seed \(seed): \(error)")
            }
        }
        #expect(read > Self.runs / 20 && refused > Self.runs / 20, "\(read) read, \(refused) refused")
    }
}
