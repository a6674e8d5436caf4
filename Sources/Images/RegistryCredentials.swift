import FoundationEssentials
import HostErrors
import SystemLayer

/// What the operator's files say about a registry: read anew for each pull, so that they may change.
///
/// - Source: containers-auth.json(5), docker's config.json; programs that files name to be asked are not run.
struct RegistryCredentials {
    private struct File: Codable {
        var auths: [String: Entry]?
    }
    private struct Entry: Codable {
        var auth: String?
        var identitytoken: String?
    }

    /// The files in the order in which they are looked into; the first that knows the registry is believed.
    static func files(_ settings: ImageSettings) -> [String] {
        if let file = settings.authFile { return [file] }
        let variables = settings.environment
        if let file = variables["REGISTRY_AUTH_FILE"] { return [file] }
        var files: [String] = []
        if let directory = variables["XDG_RUNTIME_DIR"] { files.append("\(directory)/containers/auth.json") }
        files.append("/run/containers/0/auth.json")
        let home = variables["HOME"]
        if let directory = variables["XDG_CONFIG_HOME"] ?? home.map({ "\($0)/.config" }) {
            files.append("\(directory)/containers/auth.json")
        }
        if let directory = variables["DOCKER_CONFIG"] ?? home.map({ "\($0)/.docker" }) {
            files.append("\(directory)/config.json")
        }
        return files
    }

    /// A file for the one registry alone: whoever asks that registry learns nothing of the others.
    ///
    /// - Parameters:
    ///   - reference: whose registry and repository.
    ///   - settings: where to look.
    /// - Returns: the bytes of an auth file; nil where nobody knows the registry.
    /// - Throws: FAILED_PRECONDITION for a file that was named and cannot be read, or is none.
    static func find(_ reference: RegistryReference, _ settings: ImageSettings) throws(HostError) -> [UInt8]? {
        let isNamed = settings.authFile != nil || settings.environment["REGISTRY_AUTH_FILE"] != nil
        for path in files(settings) {
            let bytes: [UInt8]
            do throws(HostError) { bytes = try BlobStore.document(path) } catch {
                guard isNamed else { continue }
                throw HostError(
                    .failedPrecondition,
                    .image,
                    "the registries' credentials cannot be read from \(path): \(error.message)"
                )
            }
            let file: File
            do { file = try JSONDecoder().decode(File.self, from: Data(bytes)) } catch {
                // The decoder's words may hold a part of the file.
                throw HostError(.failedPrecondition, .image, "\(path) is no file of registries' credentials")
            }
            guard let entry = entry(in: file.auths ?? [:], for: reference) else { continue }
            let own = File(auths: [reference.host: entry])
            guard let encoded = try? JSONEncoder().encode(own) else { continue }
            return [UInt8](encoded)
        }
        return nil
    }

    /// The entry of the longest name that covers the repository; one that holds nothing is none.
    private static func entry(in all: [String: Entry], for reference: RegistryReference) -> Entry? {
        var name = "\(reference.host)/\(reference.repository)"
        while true {
            if let entry = all[name], entry.auth?.isEmpty == false || entry.identitytoken != nil { return entry }
            guard let slash = name.lastIndex(of: "/") else { break }
            name = String(name[..<slash])
        }
        let old = reference.host == "docker.io" ? "index.docker.io" : reference.host
        for name in ["https://\(old)/v1/", "https://\(old)", "http://\(old)", old] {
            if let entry = all[name], entry.auth?.isEmpty == false || entry.identitytoken != nil { return entry }
        }
        return nil
    }
}
