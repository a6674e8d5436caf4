/// Whom S3 requests are signed for.
struct SigningKey: Sendable, Equatable {
    let identity: String
    let secret: String
    var sessionToken: String?
    let region: String
}

/// How long a transfer is tried.
struct Patience: Sendable {
    /// Attempts in a row that bring next to nothing.
    var fruitlessAttempts = 5
    /// Attempts in all.
    var attempts = 50
    /// The first pause; each later one is twice the one before, up to a hundred times the first.
    var pauseMilliseconds = 200
    /// The longest pause that a server may ask for; one that asks for more is given up on.
    var longestPauseSeconds = 60
    var connectMilliseconds = 10_000
    /// Slower than 1 KiB/s for that long ends an attempt.
    var stallSeconds = 30
}

/// One GET as it is asked.
struct HTTPRequest {
    let url: String
    let scheme: String
    var headers: [String] = []
    var signingKey: SigningKey?
    var caFile: String?
    var caDirectory: String?
    var patience = Patience()

    /// Proves who asks.
    ///
    /// - Parameters:
    ///   - authorization: nil is nobody.
    ///   - body: the digest of what is sent, which a signature covers.
    mutating func authorize(_ authorization: Authorization?, body: String) {
        switch authorization {
        case .basic(let pair): headers.append("Authorization: Basic \(pair)")
        case .bearer(let token): headers.append("Authorization: Bearer \(token)")
        case .signature(let key):
            signingKey = key
            headers.append("x-amz-content-sha256: \(body)")
            if let token = key.sessionToken { headers.append("x-amz-security-token: \(token)") }
        case nil: break
        }
    }
}

/// What a request proves who it is from by.
enum Authorization: Sendable, Equatable {
    /// User and password, in base64.
    case basic(String)
    /// A token that the server takes as it is.
    case bearer(String)
    /// AWS signature version 4.
    case signature(SigningKey)
}
