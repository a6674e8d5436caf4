public import HostErrors
import SystemLayer

/// Servers that files may come from: `https:`, trusted `http:`, `s3:` and `gs:`.
///
/// - Source: contract §1.1 "env", §2.1 step 3.
public struct ObjectSource: Sendable {
    private let environment: [String: String]
    let download: HTTPDownload

    /// Makes one.
    ///
    /// - Parameters:
    ///   - origins: what the operator trusts; the endpoints of the environment are trusted besides.
    ///   - environment: `ATE_STORAGE_BACKEND`, `AWS_…`, `STORAGE_EMULATOR_HOST`, tokens, proxies, CA bundles.
    public init(origins: [TrustedOrigin], environment: [String: String]) {
        self.init(origins: origins, environment: environment, patience: Patience())
    }

    init(origins: [TrustedOrigin], environment: [String: String], patience: Patience) {
        self.environment = environment
        download = HTTPDownload(origins: origins, environment: environment, patience: patience)
    }

    /// Fills a file with what a URL leads to; blocks.
    ///
    /// Buckets are asked without credentials first, as upstream does.
    /// - Parameters:
    ///   - url: `https://HOST/PATH`, `s3://BUCKET/KEY`, `gs://BUCKET/OBJECT`, or `http:` of a trusted origin. With
    ///     `ATE_STORAGE_BACKEND=s3` each of these means BUCKET/KEY of the S3 store. `oci://REGISTRY/REPOSITORY`, with
    ///     `@sha256:MANIFEST` or without, is a layer of an artifact.
    ///   - digest: the file's own, which registries find it by; nil serves no `oci:`.
    ///   - file: whole when this returns, as far as the server says.
    /// - Throws: INVALID_ARGUMENT, PERMISSION_DENIED, NOT_FOUND, UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED.
    public func fetch(_ url: String, digest: String? = nil, into file: DownloadFile) throws(HostError) {
        let scheme = url.range(ofText: "://").map { url[..<$0.lowerBound].lowercased() } ?? ""
        if scheme == "oci", let digest { return try fetchArtifact(url, wanted: digest, into: file) }
        guard ["http", "https", "s3", "gs"].contains(scheme) else {
            throw HostError(
                .invalidArgument,
                .asset,
                "asset url \"\(displayed(url))\" is not served: write file:, https:, s3:, gs: or oci:"
            )
        }
        let isS3 = environment["ATE_STORAGE_BACKEND"] == "s3"
        if !isS3, scheme.hasPrefix("http") { return try download.run(url, authorization: nil, into: file) }
        let object = try ObjectName(url)
        let place = try isS3 || scheme == "s3" ? s3(object) : gcs(object)
        var download = download
        if let trusted = place.trusted { download.origins.append(trusted) }
        do throws(HostError) {
            try download.run(place.url, authorization: nil, into: file)
        } catch {
            // Credentials change neither a full disk nor a file that is too large.
            guard let authorization = place.authorization, error.code != .resourceExhausted, error.code != .internal
            else { throw error }
            let anonymous = error
            do throws(HostError) {
                try download.run(place.url, authorization: authorization, into: file)
            } catch {
                throw HostError(
                    error.code,
                    error.reason,
                    "anonymous open failed (\(anonymous.message)); main client open failed: \(error.message)"
                )
            }
        }
    }

    func variable(_ names: String...) -> String? {
        names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }

    /// Where an object is, with what it is asked for, and which origin the environment trusts for it.
    typealias Place = (url: String, authorization: Authorization?, trusted: TrustedOrigin?)

    func s3(_ object: ObjectName) throws(HostError) -> Place {
        let region = variable("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1"
        guard region.utf8.allSatisfy({ isNameByte($0) }) else {
            throw HostError(.failedPrecondition, .asset, "AWS_REGION is no region: write one such as us-east-1")
        }
        let named = variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
        let address = try WebAddress(named ?? "https://s3.\(region).amazonaws.com")
        let isNumeric = address.host.hasPrefix("[") || address.host.utf8.allSatisfy { $0 < 0x3A }
        let authority = "\(address.host):\(address.port)"
        let isPathStyle = environment["AWS_S3_USE_PATH_STYLE"] == "true" || isNumeric
        let prefix = address.rest.hasSuffix("/") ? String(address.rest.dropLast()) : address.rest
        let host = isPathStyle ? authority : "\(object.bucket).\(authority)"
        let bucket = isPathStyle ? "/\(object.bucket)" : ""
        let url = "\(address.scheme)://\(host)\(prefix)\(bucket)/\(object.path)"
        let trusted = named == nil ? nil : try TrustedOrigin("\(address.scheme)://\(host)")
        guard let identity = variable("AWS_ACCESS_KEY_ID"), let secret = variable("AWS_SECRET_ACCESS_KEY") else {
            return (url, nil, trusted)
        }
        let token = variable("AWS_SESSION_TOKEN")
        return (
            url,
            .signature(SigningKey(identity: identity, secret: secret, sessionToken: token, region: region)),
            trusted
        )
    }

    func gcs(_ object: ObjectName) throws(HostError) -> Place {
        var endpoint = variable("STORAGE_EMULATOR_HOST") ?? "https://storage.googleapis.com"
        if endpoint.range(ofText: "://") == nil { endpoint = "http://\(endpoint)" }
        let address = try WebAddress(endpoint)
        let origin = "\(address.scheme)://\(address.host):\(address.port)"
        let trusted = variable("STORAGE_EMULATOR_HOST") == nil ? nil : try TrustedOrigin(origin)
        let url = "\(origin)/\(object.bucket)/\(object.path)"
        if let token = variable("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN") {
            return (url, .bearer(token), trusted)
        }
        guard let identity = variable("GS_ACCESS_KEY_ID"), let secret = variable("GS_SECRET_ACCESS_KEY") else {
            return (url, nil, trusted)
        }
        return (url, .signature(SigningKey(identity: identity, secret: secret, region: "auto")), trusted)
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
    default: false
    }
}

/// `SCHEME://BUCKET/OBJECT`; the scheme says nothing.
struct ObjectName: Equatable {
    let bucket: String
    /// Percent-encoded, without its first slash.
    let path: String

    init(bucket: String, key: String) {
        self.bucket = bucket
        path = Percent.encode(key)
    }

    init(_ url: String) throws(HostError) {
        func wrong(_ words: String) -> HostError {
            HostError(.invalidArgument, .asset, "asset url \"\(displayed(url))\" \(words)")
        }
        guard let mark = url.range(ofText: "://") else { throw wrong("has no scheme") }
        let rest = url[mark.upperBound...].prefix { $0 != "?" && $0 != "#" }
        let name = rest.prefix { $0 != "/" }
        guard (1...222).contains(name.utf8.count), name.utf8.allSatisfy({ isNameByte($0) }),
            !name.hasPrefix("."), !name.hasPrefix("-")
        else { throw wrong("names no bucket: letters in lower case, digits, - . _") }
        guard let object = Percent.decode(rest.dropFirst(name.count + 1)), !object.isEmpty else {
            throw wrong("names no object")
        }
        bucket = String(name)
        path = Percent.encode(object)
    }
}
