import CCurlBridge
import Glibc
import HostErrors
import SystemLayer

/// One GET: what is asked, what came, and where its body went.
///
/// Lives on the thread that performs it.
final class HTTPExchange {
    let file: DownloadFile
    let validator: String?
    /// Whether any address may be connected to.
    let isTrusted: Bool
    /// Addresses of the operator's proxies.
    let proxies: Set<[UInt8]>

    private(set) var status = 0
    private(set) var headers: [String: String] = [:]
    private(set) var hasRefusedAddress = false
    private(set) var failure: HostError?
    /// Whether the body is the file's.
    private(set) var isBody = false
    private var discarded = 0

    init(_ file: DownloadFile, validator: String?, isTrusted: Bool, proxies: Set<[UInt8]>) {
        self.file = file
        self.validator = validator
        self.isTrusted = isTrusted
        self.proxies = proxies
    }

    /// What makes a later part one of the same whole, as `If-Range` takes it.
    var strongValidator: String? {
        if let tag = headers["etag"], tag.hasPrefix("\"") { return tag }
        return headers["last-modified"]
    }

    /// Seconds that the server asks for.
    var retryAfter: Int? { headers["retry-after"].flatMap { Int($0) }.map { max(0, $0) } }

    private func line(_ bytes: [UInt8]) {
        var text = String(decoding: bytes, as: UTF8.self)[...]
        while text.last?.isNewline == true || text.last == " " { text.removeLast() }
        if text.hasPrefix("HTTP/") {
            headers = [:]
            isBody = false
            status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        } else if text.isEmpty {
            do throws(HostError) { try begin() } catch { failure = error }
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers[text[..<colon].lowercased()] = String(value)
        }
    }

    /// The headers are whole: decides what the body is.
    private func begin() throws(HostError) {
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

    private func body(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if failure != nil { return false }
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

    private func allows(_ address: UnsafePointer<sockaddr>) -> Bool {
        if isTrusted { return true }
        if unsafe AddressPolicy.isPublic(address) || proxies.contains(AddressPolicy.key(address)) { return true }
        hasRefusedAddress = true
        return false
    }

    /// Performs it; blocks.
    ///
    /// - Returns: libcurl's code, where a redirect leads, and what went wrong in words.
    func perform(_ request: HTTPRequest) -> (code: Int, redirect: String, words: String) {
        var result = unsafe curl_bridge_result()
        let texts = CTexts()
        var asked = unsafe curl_bridge_request()
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
            let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
            return unsafe exchange.body(UnsafeRawBufferPointer(start: bytes, count: count)) ? 0 : 1
        }
        unsafe asked.header = { context, line, count in
            guard let context = unsafe context else { return }
            let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
            unsafe exchange.line(Array(UnsafeRawBufferPointer(start: line, count: count)))
        }
        unsafe asked.allow = { context, address, _ in
            guard let context = unsafe context, let address = unsafe address else { return 0 }
            let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
            return unsafe exchange.allows(address) ? 1 : 0
        }
        unsafe asked.tick = { context in
            guard let context = unsafe context else { return 1 }
            let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
            return exchange.failure == nil ? 0 : 1
        }
        let headers = unsafe request.headers.map { line -> UnsafePointer<CChar>? in unsafe texts.keep(line) }
        unsafe headers.withUnsafeBufferPointer { lines in
            unsafe asked.headers = lines.baseAddress
            unsafe asked.header_count = lines.count
            unsafe curl_bridge_get(&asked, &result)
        }
        withExtendedLifetime(texts) {}
        status = Int(unsafe result.status)
        defer { unsafe curl_bridge_free(&result) }
        return unsafe (Int(result.code), Self.text(result.redirect), Self.text(result.error))
    }

    private static func text(_ words: UnsafeMutablePointer<CChar>?) -> String {
        guard let words = unsafe words else { return "" }
        return unsafe String(cString: words)
    }
}

/// C texts that live as long as this.
@safe final class CTexts {
    private var kept: [UnsafeMutablePointer<CChar>] = unsafe []

    func keep(_ text: String) -> UnsafePointer<CChar>? {
        guard let copy = unsafe strdup(text) else { return nil }
        unsafe kept.append(copy)
        return unsafe UnsafePointer(copy)
    }

    // Some of them are secrets.
    deinit {
        for index in unsafe kept.indices {
            unsafe explicit_bzero(kept[index], strlen(kept[index]))
            unsafe free(kept[index])
        }
    }
}
