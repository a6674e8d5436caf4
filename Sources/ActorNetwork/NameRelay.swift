internal import CNetworkBridge
import Glibc
import Synchronization
import SystemLayer

/// The thread that passes an actor's DNS queries on, to the operator's resolver and to nobody else.
///
/// Each query has a socket of its own, connected to the resolver: an answer comes from nobody else, and to nobody else's
/// query. What comes late or too much is forgotten, as on any network.
final class NameRelay: Sendable {
    /// Queries under way; further ones are dropped.
    static let queryLimit = 64
    /// How long an answer is waited for.
    private static let milliseconds = 5000
    /// The most of a query or an answer.
    private static let most = 4096
    /// Datagrams that are taken before the answers get their turn again.
    private static let takenAtOnce = 16

    /// Who asked, as the wire has it.
    private struct Client {
        var address: UInt32 = 0
        var port: UInt16 = 0
    }

    /// A query that has no answer yet; owned by the thread alone.
    private final class Query {
        let socket: OwnedFD
        let client: Client
        let identifier: ArraySlice<UInt8>
        let deadline = Deadline(milliseconds: milliseconds)

        init(_ socket: consuming OwnedFD, client: Client, identifier: ArraySlice<UInt8>) {
            self.socket = socket
            self.client = client
            self.identifier = identifier
        }
    }

    private let listener: Mutex<OwnedFD?>
    private let wake: WakeSignal
    private let resolver: ResolverAddress

    init(listener: consuming OwnedFD, wake: WakeSignal, resolver: ResolverAddress) {
        self.listener = Mutex(listener)
        self.wake = wake
        self.resolver = resolver
    }

    /// Passes on until woken; then everything is closed.
    func run() {
        let taken = listener.withLock { $0.take() }
        guard let taken else { return }
        var queries: [Query] = []
        while true {
            var watched = [
                pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: taken.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            watched += queries.map { pollfd(fd: $0.socket.rawValue, events: Int16(POLLIN), revents: 0) }
            let wait = queries.map(\.deadline.milliseconds).min() ?? -1
            guard unsafe poll(&watched, nfds_t(watched.count), CInt(clamping: wait)) >= 0 || errno == EINTR else {
                return
            }
            if watched[0].revents != 0 { return }
            var left: [Query] = []
            for (index, query) in queries.enumerated() where !query.deadline.hasPassed {
                if watched[2 + index].revents == 0 || !answer(query, by: taken.rawValue) { left.append(query) }
            }
            queries = left
            guard watched[1].revents != 0 else { continue }
            for _ in 0..<Self.takenAtOnce {
                guard let (bytes, client) = hear(taken.rawValue) else { break }
                guard queries.count < Self.queryLimit, let query = ask(bytes, client) else { continue }
                queries.append(query)
            }
        }
    }

    private func hear(_ socket: CInt) -> (bytes: [UInt8], client: Client)? {
        var client = Client()
        var count = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.most) { buffer, filled in
            count = unsafe csh_network_hear(socket, buffer.baseAddress, Self.most, &client.address, &client.port)
            filled = max(0, count)
        }
        return count < 0 ? nil : (bytes, client)
    }

    /// Sends a query on; nil drops it.
    private func ask(_ bytes: [UInt8], _ client: Client) -> Query? {
        // A header is twelve bytes, and its top bit says that it is an answer (RFC 1035 §4.1.1).
        guard bytes.count >= 12, bytes[2] & 0x80 == 0 else { return nil }
        let number = unsafe csh_network_plain_datagrams(resolver.address)
        guard number >= 0 else { return nil }
        let socket = OwnedFD(number)
        guard unsafe csh_network_connect(number, resolver.address, resolver.port) == 0,
            unsafe send(number, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count
        else { return nil }
        return Query(socket, client: client, identifier: bytes[..<2])
    }

    /// - Returns: whether the query is over.
    private func answer(_ query: Query, by socket: CInt) -> Bool {
        let bytes: [UInt8]
        do throws(SyscallError) {
            bytes = try readSome(Self.most, from: query.socket.rawValue)
        } catch { return error.errno != EAGAIN }
        guard bytes.count >= 12, bytes[..<2].elementsEqual(query.identifier), bytes[2] & 0x80 != 0 else { return false }
        _ = unsafe csh_network_say(socket, bytes, bytes.count, query.client.address, query.client.port)
        return true
    }
}
