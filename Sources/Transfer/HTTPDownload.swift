import Glibc
import HostErrors

/// A GET that comes back until the file is whole: retries, ranges and redirects, each hop judged anew.
struct HTTPDownload: Sendable {
    var origins: [TrustedOrigin]
    /// Variables that name proxies and CA bundles.
    let environment: [String: String]
    var patience = Patience()
    /// Lines that go with every request.
    var headers: [String] = []

    private static let redirectLimit = 3
    /// Less than this is next to nothing: a server that drips must not hold us for ever.
    private static let fruitfulBytes: Int64 = 65536

    /// Fills a file; blocks.
    ///
    /// - Parameters:
    ///   - url: `http:` where its origin is trusted, or `https:`.
    ///   - authorization: goes to that URL's origin alone.
    ///   - file: whole when this returns, as far as the server says.
    /// - Throws: the last attempt's failure.
    func run(_ url: String, authorization: Authorization?, into file: DownloadFile) throws(HostError) {
        try file.restart()
        let first = try WebAddress(url)
        var validator: String?
        var fruitless = 0
        for attempt in 1...patience.attempts {
            let before = file.received
            let outcome = try follow(url, first, authorization, file, validator)
            switch outcome {
            case .whole: return
            case .failed(let error): throw error
            case .again(let error, let seconds, let newValidator):
                validator = newValidator
                // What cannot be gone on with begins anew.
                if validator == nil, file.received > 0 { try file.restart() }
                fruitless = file.received - before >= Self.fruitfulBytes ? 0 : fruitless + 1
                guard fruitless < patience.fruitlessAttempts, attempt < patience.attempts,
                    seconds ?? 0 <= patience.longestPauseSeconds
                else { throw error }
                pause(fruitless, seconds, file.isCancelled)
                if file.isCancelled() { throw cancelledTransfer }
            }
        }
    }

    private enum Outcome {
        case whole
        case failed(HostError)
        /// Worth another attempt, after so many seconds, going on if there is a validator.
        case again(HostError, seconds: Int?, validator: String?)
    }

    /// One attempt, through at most three redirects.
    private func follow(
        _ url: String,
        _ first: WebAddress,
        _ authorization: Authorization?,
        _ file: DownloadFile,
        _ validator: String?
    ) throws(HostError) -> Outcome {
        var url = url
        var address = first
        for _ in 0...Self.redirectLimit {
            let isTrusted = try judge(address, url)
            let exchange = HTTPExchange(
                file,
                validator: validator,
                isTrusted: isTrusted,
                proxies: isTrusted ? [] : proxyAddresses()
            )
            // Credentials are for whom they were meant, not for whom that one points to.
            let request = request(url, address, address.origin == first.origin ? authorization : nil, exchange)
            let answer = exchange.perform(request)
            if let failure = exchange.failure { return .failed(failure) }
            guard answer.code == 0, (300...399).contains(exchange.status) else {
                return judge(exchange, answer.code, answer.words, url)
            }
            guard !answer.redirect.isEmpty else {
                return .failed(failure(.failedPrecondition, url, "answered \(exchange.status) and leads nowhere"))
            }
            let next = try WebAddress(answer.redirect)
            guard address.scheme == "http" || next.scheme == "https" else {
                return .failed(failure(.permissionDenied, url, "redirects from https: to http:"))
            }
            url = answer.redirect
            address = next
        }
        return .failed(failure(.failedPrecondition, url, "is the end of more than \(Self.redirectLimit) redirects"))
    }

    /// Whether the operator trusts the origin; refuses what nobody may reach.
    private func judge(_ address: WebAddress, _ url: String) throws(HostError) -> Bool {
        if origins.contains(where: { $0.origin == address.origin }) { return true }
        guard address.scheme == "https" else {
            throw HostError(
                .permissionDenied,
                .asset,
                "asset url \"\(displayed(url))\" is plain HTTP; "
                    + "use https:, or allow it: --asset-origin \(address.scheme)://\(address.host):\(address.port)"
            )
        }
        return false
    }

    /// A request that proves nothing and asks for nothing special.
    func bare(_ url: String, scheme: String) -> HTTPRequest {
        var request = HTTPRequest(url: url, scheme: scheme)
        request.patience = patience
        request.caFile = ["AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"].lazy
            .compactMap { environment[$0] }.first { !$0.isEmpty }
        request.caDirectory = environment["SSL_CERT_DIR"].flatMap { $0.isEmpty ? nil : $0 }
        return request
    }

    private func request(
        _ url: String,
        _ address: WebAddress,
        _ authorization: Authorization?,
        _ exchange: HTTPExchange
    ) -> HTTPRequest {
        var request = bare(url, scheme: address.scheme)
        request.headers = headers
        if exchange.file.received > 0, let validator = exchange.validator {
            request.headers.append("Range: bytes=\(exchange.file.received)-")
            request.headers.append("If-Range: \(validator)")
        }
        request.authorize(authorization, body: SHA256.hex(of: []))
        return request
    }

    /// What an answer that is no redirect means.
    private func judge(_ exchange: HTTPExchange, _ code: Int, _ words: String, _ url: String) -> Outcome {
        if exchange.hasRefusedAddress, code != 0 {
            return .failed(
                failure(
                    .permissionDenied,
                    url,
                    "leads to an address that is not on the public Internet; allow its origin with --asset-origin"
                )
            )
        }
        let canContinue = [200, 206].contains(exchange.status) ? exchange.strongValidator : exchange.validator
        // Numbers of libcurl-errors(3).
        switch code {
        case 0: break
        case -1:
            let mend = "libcurl cannot be loaded (\(words)); apt-get install libcurl4"
            return .failed(HostError(.failedPrecondition, .machine, mend))
        case 28:
            return .again(failure(.deadlineExceeded, url, words), seconds: nil, validator: canContinue)
        case 5, 6, 7, 16, 18, 35, 52, 55, 56, 92:
            return .again(failure(.unavailable, url, words), seconds: nil, validator: canContinue)
        case 23 where !exchange.isBody: break
        default: return .failed(failure(.unavailable, url, words))
        }
        switch exchange.status {
        case 200: return .whole
        case 206 where exchange.file.received > 0:
            guard let total = exchange.file.total, exchange.file.received < total else { return .whole }
            return .again(failure(.unavailable, url, "sent less than it said"), seconds: nil, validator: canContinue)
        case 206, 416:
            return .again(
                failure(.unavailable, url, "sent another part than was asked for"),
                seconds: nil,
                validator: nil
            )
        case 408, 425, 429, 500, 502, 503, 504:
            return .again(
                failure(.unavailable, url, "answered \(exchange.status)"),
                seconds: exchange.retryAfter,
                validator: canContinue
            )
        case 401, 403:
            let words = "\(displayed(url)): answered \(exchange.status)"
            let challenge = exchange.headers["www-authenticate"].map { ["www-authenticate": $0] }
            return .failed(HostError(.permissionDenied, .asset, words, context: challenge ?? [:]))
        case 404, 410: return .failed(failure(.notFound, url, "answered \(exchange.status)"))
        default: return .failed(failure(.failedPrecondition, url, "answered \(exchange.status)"))
        }
    }

    private func failure(_ code: HostError.Code, _ url: String, _ words: String) -> HostError {
        HostError(code, .asset, "\(displayed(url)): \(words)")
    }

    /// Waits before the next attempt, or until nobody wants it any more.
    func pause(_ fruitless: Int, _ seconds: Int?, _ isCancelled: () -> Bool) {
        let doubled = patience.pauseMilliseconds << min(max(0, fruitless - 1), 6)
        // Between half and whole, so that those who failed together do not come back together.
        let own = Int.random(in: doubled / 2...max(1, doubled))
        let end = ContinuousClock.now + .milliseconds(max(own, (seconds ?? 0) * 1000))
        while ContinuousClock.now < end, !isCancelled() {
            let rest = min(100_000, max(1000, Int((end - .now) / .microseconds(1))))
            usleep(UInt32(rest))
        }
    }

    /// Where the operator's proxies are: they may be private, and they judge where they connect to.
    func proxyAddresses() -> Set<[UInt8]> {
        var all: Set<[UInt8]> = []
        for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            guard let proxy = environment[name], !proxy.isEmpty else { continue }
            var host = proxy.range(ofText: "://").map { proxy[$0.upperBound...] } ?? proxy[...]
            if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
            host = host.prefix { $0 != "/" }
            if host.hasPrefix("[") {
                host = host.dropFirst().prefix { $0 != "]" }
            } else {
                host = host.prefix { $0 != ":" }
            }
            all.formUnion(AddressPolicy.addresses(of: String(host)))
        }
        return all
    }
}
