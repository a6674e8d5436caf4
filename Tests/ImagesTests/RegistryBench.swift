import Foundation
import Glibc
import HostErrors
import SystemLayer
import TestSupport
import Transfer

@testable import Images

/// A registry with a door, a store, and images to push; gone when this is.
final class RegistryBench {
    let scratch: ScratchDirectory
    let port: String
    private let server: ForeignServer

    /// Whether this machine has what the tests drive.
    static let isPossible = TestMachine.isRoot && isThere("/usr/bin/docker-registry") && isThere("/usr/bin/skopeo")

    private static func isThere(_ program: String) -> Bool { unsafe access(program, X_OK) == 0 }

    init(password: String? = nil) throws {
        let place = try ScratchDirectory("registry")
        scratch = place
        let script = "ImagesTests/Servers/registry.py"
        server =
            if let password { try ForeignServer(script, place.path, password) } else {
                try ForeignServer(script, place.path)
            }
        port = server.words[0]
        try DirectoryTree.make("\(scratch.path)/base")
    }

    deinit { server.stop() }

    var base: String { "\(scratch.path)/base" }
    var host: String { "127.0.0.1:\(port)" }

    /// What the door does from the next connection on.
    func door(_ mode: String) throws {
        try mode.write(toFile: "\(scratch.path)/mode", atomically: true, encoding: .utf8)
    }

    /// The requests that came through the door since the last time.
    func asked() -> [String] {
        let path = "\(scratch.path)/asked"
        defer { _ = unsafe unlink(path) }
        return (TextFile.read(path) ?? "").split(separator: "\n").map(String.init)
    }

    func store(_ change: (inout ImageSettings) -> Void = { _ in }) -> ImageStore {
        var settings = ImageSettings()
        settings.environment = [:]
        change(&settings)
        return ImageStore(
            baseDirectory: base,
            unpacker: "\(TestMachine.products)/substrate-unpack",
            settings: settings
        )
    }

    /// An OCI layout of layers, in `<scratch>/<name>`, and its manifest's digest.
    @discardableResult
    func layout(
        _ name: String,
        _ layers: [[UInt8]],
        config: String = "{}",
        architecture: String = ImageIndex.architecture
    ) throws -> String {
        let directory = "\(scratch.path)/\(name)"
        try DirectoryTree.make("\(directory)/blobs/sha256")
        func blob(_ bytes: [UInt8], _ type: String) throws -> String {
            let hex = SHA256.hex(of: bytes)
            try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/blobs/sha256/\(hex)"))
            return
                #"{"mediaType":"application/vnd.oci.image.\#(type)","digest":"sha256:\#(hex)","size":\#(bytes.count)}"#
        }
        let digests = layers.map { #""sha256:\#(SHA256.hex(of: $0))""# }.joined(separator: ",")
        let document =
            #"{"architecture":"\#(architecture)","os":"linux","config":\#(config),"rootfs":{"type":"layers","diff_ids":[\#(digests)]}}"#
        let configuration = try blob(Array(document.utf8), "config.v1+json")
        let rows = try layers.map { try blob($0, "layer.v1.tar") }.joined(separator: ",")
        let type = #""mediaType":"application/vnd.oci.image.manifest.v1+json""#
        let manifest = #"{"schemaVersion":2,\#(type),"config":\#(configuration),"layers":[\#(rows)]}"#
        let row = try blob(Array(manifest.utf8), "manifest.v1+json")
        try #"{"imageLayoutVersion":"1.0.0"}"#.write(
            toFile: "\(directory)/oci-layout",
            atomically: false,
            encoding: .utf8
        )
        try #"{"schemaVersion":2,"manifests":[\#(row)]}"#
            .write(toFile: "\(directory)/index.json", atomically: false, encoding: .utf8)
        return "sha256:\(SHA256.hex(of: Array(manifest.utf8)))"
    }

    /// Pushes a layout past any spoilt door.
    func push(_ layout: String, to name: String, _ more: String...) throws {
        let pushed = try ProgramRun.wait(
            "/usr/bin/skopeo",
            ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]
                + (more.contains("--format") ? [] : ["--preserve-digests"]) + more
                + ["oci:\(scratch.path)/\(layout)", "docker://\(host)/\(name)"]
        )
        guard pushed.code == 0 else { throw TestFailure("skopeo: \(pushed.error)") }
        _ = asked()
    }

    /// What is in the staging directory: nothing, whenever nobody works.
    func staged() throws -> [String] { try DirectoryTree.names(in: "\(base)/image-store/staging") }
}
