import CCurlBridge
import HostErrors

/// One GET: what is asked, what came, and where its body went.
///
/// Lives on the thread that performs it.
final class HTTPExchange: HTTPTransfer {
    let file: DownloadFile
    let validator: String?
    /// Whether the body is the file's.
    private(set) var isBody = false
    private var discarded = 0

    init(_ file: DownloadFile, validator: String?, isTrusted: Bool, proxies: Set<[UInt8]>) {
        self.file = file
        self.validator = validator
        super.init(isTrusted: isTrusted, proxies: proxies, isCancelled: file.isCancelled)
    }

    /// What makes a later part one of the same whole, as `If-Range` takes it.
    var strongValidator: String? {
        if let tag = headers["etag"], tag.hasPrefix("\"") { return tag }
        return headers["last-modified"]
    }

    /// Seconds that the server asks for.
    var retryAfter: Int? { headers["retry-after"].flatMap { Int($0) }.map { max(0, $0) } }

    override func restart() { isBody = false }

    /// Decides what the body is.
    override func begin() throws(HostError) {
        let length = headers["content-length"].flatMap { Int64($0) }
        switch status {
        case 200:
            if file.received > 0 { try file.restart() }
            if let length { try file.expect(length) }
            isBody = true
        case 206:
            guard let range = headers["content-range"], let (start, total) = Self.range(range),
                start == file.received, file.total.map({ total == nil || $0 == total }) ?? true, file.received > 0
            else {
                // A part that was not asked for, or of something else: what is here is of no use with it.
                try file.restart()
                return
            }
            if let total { try file.expect(total) }
            isBody = true
        case 416: try file.restart()
        default: break
        }
    }

    /// `bytes 5-9/10`: where it starts, and of how many.
    static func range(_ text: String) -> (start: Int64, total: Int64?)? {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = parts[0].split(separator: "-").first.flatMap({ Int64($0) }), start >= 0
        else { return nil }
        return (start, Int64(parts[1]))
    }

    override func received(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard isBody else {
            discarded += bytes.count
            return discarded <= 65536
        }
        do throws(HostError) { try unsafe file.append(bytes) } catch {
            failure = error
            return false
        }
        return true
    }

    /// Performs it; blocks.
    ///
    /// - Returns: libcurl's code, where a redirect leads, and what went wrong in words.
    func perform(_ request: HTTPRequest) -> (code: Int, redirect: String, words: String) {
        unsafe perform(request) { asked, result, _ in unsafe curl_bridge_get(&asked, &result) }
    }
}
