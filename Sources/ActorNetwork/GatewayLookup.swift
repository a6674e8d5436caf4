internal import CNetworkBridge
import Synchronization
import SystemLayer
import Threads

/// A gateway's name being looked up, on a thread of its own: the resolver blocks as long as it likes.
final class GatewayLookup: Sendable {
    private static let most = 8

    private let found = Mutex<Result<[String], EgressRefusal.Cause>?>(nil)
    private let done: WakeSignal

    /// Begins.
    ///
    /// - Throws: when the machine has no thread or no descriptor left.
    init(_ host: String) throws(SyscallError) {
        done = try WakeSignal()
        try startThread("gateway-name") { [self] in
            let result = Self.addresses(of: host)
            found.withLock { $0 = result }
            done.raise()
        }
    }

    /// Readable when there is a result.
    var descriptor: CInt { done.descriptor }
    /// The addresses, in the order to try them; nil while nothing is known.
    var result: Result<[String], EgressRefusal.Cause>? { found.withLock { $0 } }

    private static func addresses(of host: String) -> Result<[String], EgressRefusal.Cause> {
        let size = Int(CSH_NETWORK_ADDRESS)
        var texts = [CChar](repeating: 0, count: most * size)
        var words = [CChar](repeating: 0, count: 256)
        let count = Int(unsafe csh_network_resolve(host, &texts, CInt(most), &words, words.count))
        guard count > 0 else {
            return .failure(EgressRefusal.Cause("the gateway's name \"\(host)\" is not found: \(text(words))"))
        }
        return .success((0..<count).map { text(Array(texts[($0 * size)..<(($0 + 1) * size)])) })
    }
}

/// The addresses of one gateway, asked for again from time to time.
final class GatewayName: Sendable {
    /// What was found holds so long; what was not is asked for again at once, by the next connection.
    private static let milliseconds = 10_000

    private struct State {
        var lookup: GatewayLookup?
        var until: Deadline?
    }
    private let host: String
    private let state = Mutex(State())

    init(_ host: String) { self.host = host }

    /// A lookup that is under way or fresh.
    func lookup() throws(EgressRefusal.Cause) -> GatewayLookup {
        let known = state.withLock { state -> GatewayLookup? in
            guard let lookup = state.lookup else { return nil }
            switch lookup.result {
            case nil: return lookup
            case .failure: return nil
            case .success:
                if state.until == nil { state.until = Deadline(milliseconds: Self.milliseconds) }
                return state.until?.hasPassed == true ? nil : lookup
            }
        }
        if let known { return known }
        do throws(SyscallError) {
            let begun = try GatewayLookup(host)
            state.withLock { $0 = State(lookup: begun) }
            return begun
        } catch { throw EgressRefusal.Cause("the gateway's name cannot be looked up: \(error)") }
    }
}
