import CCurlBridge
import HostErrors

/// One request with a body and an answer, over a connection that may be used again.
///
/// Lives on the thread that performs it.
final class HTTPCall: HTTPTransfer {
    let method: String
    let body: [UInt8]
    /// Given the body of an answer in 200...299, part by part.
    private let take: ([UInt8]) -> HostError?
    /// What a server says in an answer that is a refusal: its first 4 KiB.
    private(set) var refusal: [UInt8] = []

    init(
        _ method: String,
        body: [UInt8],
        isTrusted: Bool,
        proxies: Set<[UInt8]>,
        isCancelled: @escaping @Sendable () -> Bool,
        _ take: @escaping ([UInt8]) -> HostError?
    ) {
        self.method = method
        self.body = body
        self.take = take
        super.init(isTrusted: isTrusted, proxies: proxies, isCancelled: isCancelled)
    }

    override func received(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard (200...299).contains(status) else {
            unsafe refusal += bytes.prefix(4096 - refusal.count)
            return true
        }
        failure = take(unsafe Array(bytes))
        return failure == nil
    }

    /// Performs it; blocks.
    ///
    /// - Returns: libcurl's code, and what went wrong in words.
    func perform(_ request: HTTPRequest, over session: HTTPSession) -> (code: Int, words: String) {
        let end = unsafe perform(request) { asked, result, texts in
            unsafe asked.session = session.handle
            if method != "GET" { unsafe asked.method = texts.keep(method) }
            unsafe body.withUnsafeBytes { body in
                // A body without a byte is one all the same, where the method has one.
                if method == "PUT" || method == "POST" {
                    unsafe asked.upload = body.baseAddress ?? UnsafeRawPointer(asked.headers)
                    unsafe asked.upload_size = body.count
                }
                unsafe curl_bridge_get(&asked, &result)
            }
        }
        return (end.code, end.words)
    }
}

/// A connection that requests use one after another; of one thread at a time.
@safe final class HTTPSession {
    fileprivate let handle: UnsafeMutableRawPointer?

    init() { unsafe handle = curl_bridge_open() }

    deinit { unsafe curl_bridge_close(handle) }
}
