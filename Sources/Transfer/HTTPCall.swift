import CCurlBridge
import Glibc
import HostErrors
import SystemLayer

/// One request with a body and an answer, over a connection that may be used again.
///
/// Lives on the thread that performs it.
final class HTTPCall {
    let method: String
    let body: [UInt8]
    /// Whether any address may be connected to.
    let isTrusted: Bool
    /// Addresses of the operator's proxies.
    let proxies: Set<[UInt8]>
    /// Given the body of an answer in 200...299, part by part.
    private let take: ([UInt8]) -> HostError?

    private(set) var status = 0
    private(set) var headers: [String: String] = [:]
    private(set) var hasRefusedAddress = false
    private(set) var failure: HostError?
    /// What a server says in an answer that is a refusal: its first 4 KiB.
    private(set) var refusal: [UInt8] = []

    init(
        _ method: String,
        body: [UInt8],
        isTrusted: Bool,
        proxies: Set<[UInt8]>,
        _ take: @escaping ([UInt8]) -> HostError?
    ) {
        self.method = method
        self.body = body
        self.isTrusted = isTrusted
        self.proxies = proxies
        self.take = take
    }

    private func line(_ bytes: [UInt8]) {
        var text = String(decoding: bytes, as: UTF8.self)[...]
        while text.last?.isNewline == true || text.last == " " { text.removeLast() }
        if text.hasPrefix("HTTP/") {
            headers = [:]
            status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers[text[..<colon].lowercased()] = String(value)
        }
    }

    private func received(_ bytes: [UInt8]) -> Bool {
        if failure != nil { return false }
        guard (200...299).contains(status) else {
            refusal += bytes.prefix(4096 - refusal.count)
            return true
        }
        failure = take(bytes)
        return failure == nil
    }

    private func allows(_ address: UnsafePointer<sockaddr>) -> Bool {
        if isTrusted { return true }
        if unsafe AddressPolicy.isPublic(address) || proxies.contains(AddressPolicy.key(address)) { return true }
        hasRefusedAddress = true
        return false
    }

    /// Performs it; blocks.
    ///
    /// - Returns: libcurl's code, and what went wrong in words.
    func perform(_ request: HTTPRequest, over session: HTTPSession) -> (code: Int, words: String) {
        var result = unsafe curl_bridge_result()
        let texts = CTexts()
        var asked = unsafe curl_bridge_request()
        unsafe asked.session = session.handle
        if method != "GET" { unsafe asked.method = texts.keep(method) }
        unsafe asked.url = texts.keep(request.url)
        unsafe asked.protocol = texts.keep(request.scheme)
        if let key = request.signingKey {
            unsafe asked.user_password = texts.keep("\(key.identity):\(key.secret)")
            unsafe asked.signature = texts.keep("aws:amz:\(key.region):s3")
        }
        if let file = request.caFile { unsafe asked.ca_file = texts.keep(file) }
        if let directory = request.caDirectory { unsafe asked.ca_directory = texts.keep(directory) }
        unsafe asked.connect_timeout_ms = request.patience.connectMilliseconds
        unsafe asked.stall_seconds = request.patience.stallSeconds
        unsafe asked.stall_bytes = 1024
        unsafe asked.context = Unmanaged.passUnretained(self).toOpaque()
        unsafe asked.body = { context, bytes, count in
            guard let context = unsafe context else { return 1 }
            let call = unsafe Unmanaged<HTTPCall>.fromOpaque(context).takeUnretainedValue()
            return call.received(unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count))) ? 0 : 1
        }
        unsafe asked.header = { context, line, count in
            guard let context = unsafe context else { return }
            let call = unsafe Unmanaged<HTTPCall>.fromOpaque(context).takeUnretainedValue()
            unsafe call.line(Array(UnsafeRawBufferPointer(start: line, count: count)))
        }
        unsafe asked.allow = { context, address, _ in
            guard let context = unsafe context, let address = unsafe address else { return 0 }
            let call = unsafe Unmanaged<HTTPCall>.fromOpaque(context).takeUnretainedValue()
            return unsafe call.allows(address) ? 1 : 0
        }
        unsafe asked.tick = { context in
            guard let context = unsafe context else { return 1 }
            let call = unsafe Unmanaged<HTTPCall>.fromOpaque(context).takeUnretainedValue()
            return call.failure == nil ? 0 : 1
        }
        let lines = unsafe request.headers.map { line -> UnsafePointer<CChar>? in unsafe texts.keep(line) }
        unsafe lines.withUnsafeBufferPointer { lines in
            unsafe body.withUnsafeBytes { body in
                unsafe asked.headers = lines.baseAddress
                unsafe asked.header_count = lines.count
                // A body without a byte is one all the same, where the method has one.
                if method == "PUT" || method == "POST" {
                    unsafe asked.upload = body.baseAddress ?? UnsafeRawPointer(lines.baseAddress)
                    unsafe asked.upload_size = body.count
                }
                unsafe curl_bridge_get(&asked, &result)
            }
        }
        withExtendedLifetime(texts) {}
        status = Int(unsafe result.status)
        defer { unsafe curl_bridge_free(&result) }
        let words = unsafe result.error.map { unsafe String(cString: $0) } ?? ""
        return (Int(unsafe result.code), words)
    }
}

/// A connection that requests use one after another; of one thread at a time.
@safe final class HTTPSession {
    fileprivate let handle: UnsafeMutableRawPointer?

    init() { unsafe handle = curl_bridge_open() }

    deinit { unsafe curl_bridge_close(handle) }
}
