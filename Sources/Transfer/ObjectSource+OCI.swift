import FoundationEssentials
import Glibc
import HostErrors
import SystemLayer

/// Files of registries, by digest.
///
/// - Source: OCI distribution-spec v1.1 "Pulling blobs"; image-spec v1.1 manifest.md.
extension ObjectSource {
    private struct Layer: Decodable { var digest: String }
    private struct Manifest: Decodable { var layers: [Layer] }
    private struct Token: Decodable {
        var token: String?
        var access_token: String?
    }
    private struct AuthorizationFile: Decodable {
        struct Entry: Decodable { var auth: String? }
        var auths: [String: Entry]?
    }
    /// The most of a manifest or a token that is read.
    private static let documentLimit: Int64 = 4 << 20
    private static let manifestTypes = [
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
    ]

    /// Fills a file with a blob of a registry; blocks.
    ///
    /// - Parameters:
    ///   - url: `oci://REGISTRY/REPOSITORY[@sha256:MANIFEST]`.
    ///   - wanted: the file's own digest, 64 lower-case hex digits.
    ///   - file: whole when this returns.
    /// - Throws: as `fetch`; DATA_LOSS where the manifest is not what the URL says.
    func fetchArtifact(_ url: String, wanted: String, into file: DownloadFile) throws(HostError) {
        let artifact = try OCIArtifact(url)
        let plain = "http://\(artifact.registry)"
        let isPlain = try download.origins.contains(TrustedOrigin(plain))
        let base = "\(isPlain ? plain : "https://\(artifact.registry)")/v2/\(artifact.repository)"
        var blob = wanted
        if let digest = artifact.manifest {
            let types = Self.manifestTypes.joined(separator: ", ")
            let bytes = try authorized(artifact.registry) { (authorization) throws(HostError) in
                try document("\(base)/manifests/sha256:\(digest)", authorization, accept: types)
            }
            let got = SHA256.hex(of: bytes)
            guard got == digest else {
                throw HostError(.dataLoss, .asset, "\(displayed(url)): the manifest's sha256 is \(got)")
            }
            guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(bytes)) else {
                throw HostError(.failedPrecondition, .asset, "\(displayed(url)) is no manifest of an artifact")
            }
            let layers = manifest.layers.compactMap { OCIArtifact.digest($0.digest) }
            // One that has a single file may be asked for whatever the request's digest is: it is compared in the end.
            guard let chosen = layers.first(where: { $0 == wanted }) ?? (layers.count == 1 ? layers.first : nil) else {
                throw HostError(
                    .notFound,
                    .asset,
                    "\(displayed(url)): of its \(layers.count) layers none is sha256:\(wanted)"
                )
            }
            blob = chosen
        }
        try authorized(artifact.registry) { (authorization) throws(HostError) in
            try download.run("\(base)/blobs/sha256:\(blob)", authorization: authorization, into: file)
        }
    }

    /// Asks as nobody, then with the token that the registry names, then as whom the operator's file says.
    private func authorized<Value>(
        _ registry: String,
        _ ask: (Authorization?) throws(HostError) -> Value
    ) throws(HostError) -> Value {
        let refusal: HostError
        do throws(HostError) { return try ask(nil) } catch {
            guard error.code == .permissionDenied, let header = error.context["www-authenticate"],
                let challenge = TokenChallenge(header)
            else { throw error }
            refusal = error
            if challenge.isBearer {
                do throws(HostError) { return try ask(try token(challenge, nil)) } catch {
                    guard credentials(registry) != nil else { throw error }
                }
            }
            guard let known = credentials(registry) else { throw refusal }
            do throws(HostError) {
                return try ask(challenge.isBearer ? try token(challenge, .basic(known)) : .basic(known))
            } catch {
                throw HostError(
                    error.code,
                    error.reason,
                    "anonymous open failed (\(refusal.message)); main client open failed: \(error.message)"
                )
            }
        }
    }

    private func token(_ challenge: TokenChallenge, _ authorization: Authorization?) throws(HostError) -> Authorization
    {
        guard let url = challenge.url else {
            throw HostError(.permissionDenied, .asset, "the registry asks for a token and does not say where one is")
        }
        let bytes = try document(url, authorization, accept: "application/json")
        let answer = try? JSONDecoder().decode(Token.self, from: Data(bytes))
        guard let token = answer?.token ?? answer?.access_token, !token.isEmpty,
            token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw HostError(.permissionDenied, .asset, "\(displayed(url)) answered no token") }
        return .bearer(token)
    }

    /// A small answer, in memory.
    private func document(_ url: String, _ authorization: Authorization?, accept: String) throws(HostError) -> [UInt8] {
        let place: OwnedFD
        do throws(SyscallError) { place = try Channels.memoryFile([], name: "document") } catch {
            throw storeError(error)
        }
        let file = DownloadFile(descriptor: place.rawValue, limit: Self.documentLimit)
        var download = download
        download.headers = ["Accept: \(accept)"]
        try download.run(url, authorization: authorization, into: file)
        guard lseek(place.rawValue, 0, SEEK_SET) == 0 else { throw storeError("lseek", "document") }
        do throws(SyscallError) { return try readAll(from: place.rawValue, limit: Int(Self.documentLimit)) } catch {
            throw storeError(error)
        }
    }

    /// User and password of a registry, in base64, from the file that docker and podman write.
    private func credentials(_ registry: String) -> String? {
        var files = [variable("REGISTRY_AUTH_FILE")]
        files.append(variable("DOCKER_CONFIG").map { "\($0)/config.json" })
        files.append(variable("HOME").map { "\($0)/.docker/config.json" })
        for file in files.compactMap({ $0 }) {
            guard let text = TextFile.read(file) else { continue }
            let known = try? JSONDecoder().decode(AuthorizationFile.self, from: Data(text.utf8))
            guard let pair = known?.auths?[registry]?.auth, !pair.isEmpty,
                pair.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { continue }
            return pair
        }
        return nil
    }
}
