import CCurlBridge
import Glibc
import HostErrors

/// What libcurl is asked and what it hands over, line by line and part by part; others say what becomes of a body.
///
/// Lives on the thread that performs it.
class HTTPTransfer {
    /// Whether any address may be connected to.
    private let isTrusted: Bool
    /// Addresses of the operator's proxies.
    private let proxies: Set<[UInt8]>

    final private(set) var status = 0
    final private(set) var headers: [String: String] = [:]
    final private(set) var hasRefusedAddress = false
    /// Set, it ends the transfer.
    final var failure: HostError?
    private let isCancelled: @Sendable () -> Bool

    init(isTrusted: Bool, proxies: Set<[UInt8]>, isCancelled: @escaping @Sendable () -> Bool) {
        self.isTrusted = isTrusted
        self.proxies = proxies
        self.isCancelled = isCancelled
    }

    /// An answer begins; its status and headers are still to come.
    func restart() {}

    /// The headers are whole.
    ///
    /// - Throws: what ends the transfer.
    func begin() throws(HostError) {}

    /// A part of a body came.
    ///
    /// - Parameter bytes: valid during the call.
    /// - Returns: false to end the transfer.
    func received(_ bytes: UnsafeRawBufferPointer) -> Bool { unsafe bytes.isEmpty }

    /// Asks, by what both kinds of request ask alike; blocks.
    ///
    /// - Parameters:
    ///   - request: where and with which headers.
    ///   - more: adds what one kind asks, and performs it.
    /// - Returns: libcurl's code, where a redirect leads, and what went wrong in words.
    final func perform(
        _ request: HTTPRequest,
        _ more: (inout curl_bridge_request, inout curl_bridge_result, CTexts) -> Void
    ) -> (code: Int, redirect: String, words: String) {
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
            let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            if transfer.failure != nil { return 1 }
            return unsafe transfer.received(UnsafeRawBufferPointer(start: bytes, count: count)) ? 0 : 1
        }
        unsafe asked.header = { context, line, count in
            guard let context = unsafe context else { return }
            let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            unsafe transfer.line(Array(UnsafeRawBufferPointer(start: line, count: count)))
        }
        unsafe asked.allow = { context, address, _ in
            guard let context = unsafe context, let address = unsafe address else { return 0 }
            let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            return unsafe transfer.allows(address) ? 1 : 0
        }
        unsafe asked.tick = { context in
            guard let context = unsafe context else { return 1 }
            let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
            if transfer.isCancelled() { transfer.failure = transfer.failure ?? cancelledTransfer }
            return transfer.failure == nil ? 0 : 1
        }
        let lines = unsafe request.headers.map { line -> UnsafePointer<CChar>? in unsafe texts.keep(line) }
        unsafe lines.withUnsafeBufferPointer { lines in
            unsafe asked.headers = lines.baseAddress
            unsafe asked.header_count = lines.count
            unsafe more(&asked, &result, texts)
        }
        withExtendedLifetime(texts) {}
        status = Int(unsafe result.status)
        defer { unsafe curl_bridge_free(&result) }
        return unsafe (Int(result.code), Self.text(result.redirect), Self.text(result.error))
    }

    private func line(_ bytes: [UInt8]) {
        var text = String(decoding: bytes, as: UTF8.self)[...]
        while text.last?.isNewline == true || text.last == " " { text.removeLast() }
        if text.hasPrefix("HTTP/") {
            headers = [:]
            restart()
            status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        } else if text.isEmpty {
            do throws(HostError) { try begin() } catch { failure = error }
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers[text[..<colon].lowercased()] = String(value)
        }
    }

    private func allows(_ address: UnsafePointer<sockaddr>) -> Bool {
        if isTrusted { return true }
        if unsafe AddressPolicy.isPublic(address) || proxies.contains(AddressPolicy.key(address)) { return true }
        hasRefusedAddress = true
        return false
    }

    private static func text(_ words: UnsafeMutablePointer<CChar>?) -> String {
        guard let words = unsafe words else { return "" }
        return unsafe String(cString: words)
    }
}
