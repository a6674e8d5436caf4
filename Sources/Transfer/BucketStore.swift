import Glibc
public import HostErrors
import Synchronization
import SystemLayer

/// A bucket of S3, of a server that speaks its language, or of Google Cloud Storage through the same language.
///
/// - Source: contract §1.1 "env"; Amazon S3 API reference (REST), Google Cloud Storage XML API.
public struct BucketStore: ObjectStore {
    /// `s3://BUCKET` or `gs://BUCKET`.
    public let name: String
    /// Each call waits for the network most of the time.
    public let width = 16
    private let bucket: String
    private let source: ObjectSource
    private let isS3: Bool
    private let download: HTTPDownload
    private let sessions = SessionPool()
    private var isCancelled: @Sendable () -> Bool = { false }
    /// What one part of an object in parts has, the last one excepted: the least that S3 takes is 5 MiB.
    static let partBytes = 8 << 20
    /// What one answer of a list may have.
    private static let listLimit = 16 << 20

    /// Makes one; the first call connects.
    ///
    /// - Parameters:
    ///   - scheme: `s3` or `gs`; with `ATE_STORAGE_BACKEND=s3` both are S3.
    ///   - bucket: its name.
    ///   - environment: endpoints, regions, credentials, proxies and CA bundles, as `ObjectSource` reads them.
    /// - Throws: INVALID_ARGUMENT for another scheme or a bucket that is no name.
    public init(scheme: String, bucket: String, environment: [String: String]) throws(HostError) {
        try self.init(scheme: scheme, bucket: bucket, environment: environment, patience: Patience())
    }

    init(scheme: String, bucket: String, environment: [String: String], patience: Patience) throws(HostError) {
        guard ["s3", "gs"].contains(scheme) else {
            throw HostError(
                .invalidArgument,
                .snapshotStore,
                "snapshot URI: the scheme \"\(scheme.prefix(40))\" is not served: write file:, s3: or gs:"
            )
        }
        let isName = bucket.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard (1...222).contains(bucket.utf8.count), isName, !bucket.hasPrefix("."), !bucket.hasPrefix("-") else {
            throw HostError(.invalidArgument, .snapshotStore, "bucket \"\(bucket.prefix(80))\" is no name")
        }
        name = "\(scheme)://\(bucket)"
        self.bucket = bucket
        isS3 = scheme == "s3" || environment["ATE_STORAGE_BACKEND"] == "s3"
        source = ObjectSource(origins: [], environment: environment)
        download = HTTPDownload(origins: [], environment: environment, patience: patience)
    }

    /// The same bucket, for somebody who may want it no more: calls end then, whatever they wait for.
    public func heeding(_ isCancelled: @escaping @Sendable () -> Bool) -> any ObjectStore { cancelled(by: isCancelled) }

    /// As `heeding`.
    func cancelled(by isCancelled: @escaping @Sendable () -> Bool) -> BucketStore {
        var store = self
        store.isCancelled = isCancelled
        return store
    }

    /// What the store says of an object; nil where there is none.
    public func head(_ key: String) throws(HostError) -> StoredObject? {
        try ObjectKey.validate(key)
        do throws(HostError) {
            let headers = try call("HEAD", key).headers
            return StoredObject(
                key: key,
                size: headers["content-length"].flatMap { Int64($0) } ?? 0,
                modified: headers["last-modified"].flatMap(HTTPDate.parse) ?? 0
            )
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// The whole of a small object.
    public func read(_ key: String, limit: Int) throws(HostError) -> [UInt8] {
        try ObjectKey.validate(key)
        return try call("GET", key, limit: limit).body
    }

    /// A large object, part by part; a connection that breaks is gone on with where it was.
    public func stream(_ key: String, _ take: ([UInt8]) throws(HostError) -> Void) throws(HostError) {
        try ObjectKey.validate(key)
        var received: Int64 = 0
        var tag: String?
        while true {
            // One part at a time: what was taken is never asked for again.
            var headers: [String] = ["Range: bytes=\(received)-\(received + Int64(Self.partBytes) - 1)"]
            if let tag { headers.append("If-Match: \(tag)") }
            let answer: Answer
            do throws(HostError) {
                answer = try call("GET", key, headers: headers, limit: Self.partBytes)
            } catch {
                // 416: an empty object has no part.
                if received == 0, error.code == .outOfRange { return }
                throw error
            }
            if !answer.body.isEmpty { try take(answer.body) }
            received += Int64(answer.body.count)
            tag = answer.headers["etag"] ?? tag
            let total = answer.headers["content-range"].flatMap { HTTPExchange.range($0)?.total }
            // A server that knows no ranges has sent all of it.
            guard answer.status == 206, let total, received < total, !answer.body.isEmpty else { return }
        }
    }

    /// Writes one object.
    public func put(_ key: String, _ bytes: [UInt8]) throws(HostError) {
        try ObjectKey.validate(key)
        _ = try call("PUT", key, body: bytes)
    }

    /// Begins an object whose size is not known yet.
    public func upload(_ key: String) throws(HostError) -> any ObjectUpload {
        try ObjectKey.validate(key)
        return BucketUpload(self, key)
    }

    /// Begins to write many small objects: each is there at once.
    public func batch() throws(HostError) -> any ObjectBatch { Batch(store: self) }

    private struct Batch: ObjectBatch {
        let store: BucketStore
        func put(_ key: String, _ bytes: [UInt8]) throws(HostError) { try store.put(key, bytes) }
        func commit() throws(HostError) {}
    }

    /// Everything whose key begins so.
    public func list(_ prefix: String) throws(HostError) -> [StoredObject] {
        var found: [StoredObject] = []
        var token: String?
        repeat {
            var query = [("list-type", "2"), ("prefix", prefix)]
            if let token { query.append(("continuation-token", token)) }
            let answer = try call("GET", "", query: query, limit: Self.listLimit)
            let text = String(decoding: answer.body, as: UTF8.self)
            for entry in BucketXML.values("Contents", in: text) {
                guard let key = BucketXML.values("Key", in: entry).first.map(BucketXML.text) else { continue }
                found.append(
                    StoredObject(
                        key: key,
                        size: BucketXML.values("Size", in: entry).first.flatMap { Int64($0) } ?? 0,
                        modified: BucketXML.values("LastModified", in: entry).first.flatMap(HTTPDate.parse) ?? 0
                    )
                )
            }
            token = BucketXML.values("NextContinuationToken", in: text).first.map(BucketXML.text)
        } while token != nil
        return found
    }

    /// Removes one; what is absent is fine.
    public func delete(_ key: String) throws(HostError) {
        try ObjectKey.validate(key)
        do throws(HostError) { _ = try call("DELETE", key) } catch {
            if error.code != .notFound { throw error }
        }
    }

    /// What a server answered.
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
    }

    /// One request, tried again while that may help; every method here may be repeated.
    func call(
        _ method: String,
        _ key: String,
        query: [(String, String)] = [],
        headers: [String] = [],
        body: [UInt8] = [],
        limit: Int = 1 << 20
    ) throws(HostError) -> Answer {
        let object = ObjectName(bucket: bucket, key: key)
        let place = try isS3 ? source.s3(object) : source.gcs(object)
        let pairs = query.map { "\(Self.quoted($0.0))=\(Self.quoted($0.1))" }.sorted().joined(separator: "&")
        let url = pairs.isEmpty ? place.url : "\(place.url)?\(pairs)"
        let address = try WebAddress(place.url)
        let isTrusted = place.trusted?.origin == address.origin
        guard isTrusted || address.scheme == "https" else {
            throw HostError(.permissionDenied, .snapshotStore, "\(name) is at a plain HTTP address that is not trusted")
        }
        var attempt = 0
        let digest = SHA256.hex(of: body)
        while true {
            attempt += 1
            var request = download.bare(url, scheme: address.scheme)
            request.headers = headers
            if method == "PUT" || method == "POST" { request.headers.append("Content-Type: application/octet-stream") }
            request.authorize(place.authorization, body: digest)
            let outcome = once(method, request, body, limit, isTrusted)
            switch outcome {
            case .answer(let answer): return answer
            case .failed(let error): throw error
            case .again(let error, let seconds):
                guard attempt < download.patience.fruitlessAttempts,
                    seconds ?? 0 <= download.patience.longestPauseSeconds
                else { throw error }
                download.pause(attempt, seconds, isCancelled)
                if isCancelled() { throw cancelledTransfer }
            }
        }
    }

    private enum Outcome {
        case answer(Answer)
        case failed(HostError)
        case again(HostError, seconds: Int?)
    }

    private func once(
        _ method: String,
        _ request: HTTPRequest,
        _ body: [UInt8],
        _ limit: Int,
        _ isTrusted: Bool
    ) -> Outcome {
        var received: [UInt8] = []
        let words = name
        let call = HTTPCall(
            method,
            body: body,
            isTrusted: isTrusted,
            proxies: isTrusted ? [] : download.proxyAddresses(),
            isCancelled: isCancelled
        ) { bytes in
            guard received.count + bytes.count <= limit else {
                return HostError(.resourceExhausted, .snapshotStore, "\(words): an answer has more than \(limit) bytes")
            }
            received += bytes
            return nil
        }
        let (code, said) = sessions.with({ call.perform(request, over: $0) }, isGood: { $0.code == 0 })
        func failure(_ code: HostError.Code, _ text: String) -> HostError {
            HostError(
                code,
                code == .notFound ? .snapshotNotFound : .snapshotStore,
                "\(displayed(request.url)): \(text)"
            )
        }
        if let error = call.failure { return .failed(error) }
        if call.hasRefusedAddress, code != 0 {
            return .failed(failure(.permissionDenied, "leads to an address that is not on the public Internet"))
        }
        // Numbers of libcurl-errors(3).
        switch code {
        case 0: break
        case -1:
            return .failed(
                HostError(.failedPrecondition, .machine, "libcurl cannot be loaded (\(said)); apt-get install libcurl4")
            )
        case 28: return .again(failure(.deadlineExceeded, said), seconds: nil)
        case 5, 6, 7, 16, 18, 35, 52, 55, 56, 92: return .again(failure(.unavailable, said), seconds: nil)
        default: return .failed(failure(.unavailable, said))
        }
        let answered = "answered \(call.status)\(Self.reason(call.refusal))"
        switch call.status {
        case 200...299: return .answer(Answer(status: call.status, headers: call.headers, body: received))
        case 408, 425, 429, 500, 502, 503, 504:
            let seconds = call.headers["retry-after"].flatMap { Int($0) }.map { max(0, $0) }
            return .again(failure(.unavailable, answered), seconds: seconds)
        case 401, 403: return .failed(failure(.permissionDenied, answered))
        case 404, 410: return .failed(failure(.notFound, answered))
        case 412: return .failed(failure(.aborted, "was changed while it was read"))
        case 416: return .failed(failure(.outOfRange, answered))
        case 507: return .failed(failure(.resourceExhausted, answered))
        default: return .failed(failure(.failedPrecondition, answered))
        }
    }

    /// The code of S3's error, such as `NoSuchBucket`, where there is one.
    private static func reason(_ body: [UInt8]) -> String {
        let text = String(decoding: body, as: UTF8.self)
        guard let code = BucketXML.values("Code", in: text).first, code.utf8.count < 60 else { return "" }
        return " (\(code))"
    }

    /// A part of a query, with nothing left that means something there.
    private static func quoted(_ text: String) -> String {
        Percent.encode(text).split(separator: "/", omittingEmptySubsequences: false).joined(separator: "%2F")
    }
}

/// Connections that are free, for whoever calls next.
private final class SessionPool: Sendable {
    /// Sessions that nobody uses.
    ///
    /// Unchecked: a session is never with two threads. It is in this list, behind the `Mutex`, where nobody uses it, or
    /// taken out by `with`, whose one thread uses it and puts it back when it is done; and libcurl's handles may be
    /// used by different threads one after the other (libcurl-thread(3)).
    private struct Free: @unchecked Sendable { var sessions: [HTTPSession] = [] }
    private let free = Mutex(Free())

    /// Lends one; it comes back only from a call that was good, since libcurl's own state is not to be relied on after
    /// another: after a name that did not resolve the next call on the same handle fails as a wrong argument.
    func with<Value>(_ body: (HTTPSession) -> Value, isGood: (Value) -> Bool) -> Value {
        let session =
            free.withLock { free -> Free in
                var taken = Free()
                if let last = free.sessions.popLast() { taken.sessions = [last] }
                return taken
            }.sessions.first ?? HTTPSession()
        let value = body(session)
        guard isGood(value) else { return value }
        let back = Free(sessions: [session])
        free.withLock { $0.sessions += back.sessions }
        return value
    }
}
