import PluginHost

/// A Unix socket as data: from when it is there, and what it answers.
struct FakeSocket: Sendable {
    /// What it answers: the first rule that fits.
    var rules: [SocketRule]
    /// From when on the test's clock it is there.
    var afterMilliseconds: Int64 = 0
}

/// One line of what a socket answers.
struct SocketRule: Sendable {
    /// Empty: any.
    var method = ""
    /// Empty: any.
    var path = ""
    var code = 200
    var body: [UInt8] = []
    /// How long it takes.
    var milliseconds: Int64 = 0

    func fits(_ exchange: HTTPExchange) -> Bool {
        (method.isEmpty || method == exchange.method) && (path.isEmpty || path == exchange.target)
    }
}

/// Something of the kernel's that the host makes around an actor or a slot, and must take away.
struct FakePlace: Hashable, Sendable {
    /// What it is.
    enum Kind: String, Sendable {
        case cgroup
        case network = "network namespace"
    }

    let kind: Kind
    /// Whose it is.
    let owner: String

    var words: String { "\(kind.rawValue) of \(owner)" }
}
