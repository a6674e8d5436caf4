public import ActorContract
internal import CNetworkBridge
import Glibc
public import HostErrors
import Synchronization
import SystemLayer
import Threads

/// An actor's way out: every TCP connection of its namespace is taken here and led through a gateway, or closed.
///
/// Nothing else leaves the namespace, which is joined to no network: this value, on a thread of the host, is the way.
/// DNS queries go to the operator's resolver, where there is one; everything else is dropped without a word. When this value ends every stream ends with it,
/// and whoever connects afterwards is refused by the namespace itself.
public final class EgressRelay: Sendable {
    /// Connections at once of one actor, where the host has the descriptors.
    public static let connectionLimit = 1024
    /// Where it listens in the namespace, unless somebody has that port: above those that connections come from.
    static let usualPort: UInt16 = 61053

    /// Where it listens in the namespace.
    let port: UInt16
    private let wake: WakeSignal
    private let thread: Mutex<JoinableThread?>
    /// That of DNS queries.
    private let names: Mutex<JoinableThread?>

    /// Captures the namespace's connections and starts leading them out; a way that was there before is replaced.
    ///
    /// Blocks a moment.
    /// - Parameters:
    ///   - namespacePath: the actor's pinned namespace.
    ///   - hasInterface: how it was made.
    ///   - isAgain: whether there was a way before; else, no runtime may have taken the interface yet.
    ///   - gateway: who lets connections out.
    ///   - access: how gateways are spoken to.
    ///   - counters: hear of every connection.
    ///   - connectionLimit: of this actor; further ones wait in the listener's queue.
    ///   - mayAccept: whether the host has room for one more connection.
    ///   - report: hears of connections that are not let out; called on the relay's thread.
    /// - Throws: `INTERNAL` when the kernel refuses, `RESOURCE_EXHAUSTED` without threads or descriptors; nothing
    ///   leaves the namespace then.
    public init(
        namespacePath: String,
        hasInterface: Bool,
        isAgain: Bool,
        gateway: GatewayAddress,
        access: GatewayAccess,
        counters: EgressCounters,
        connectionLimit: Int = EgressRelay.connectionLimit,
        mayAccept: @escaping @Sendable () -> Bool = { true },
        report: @escaping @Sendable (EgressRefusal) -> Void
    ) throws(HostError) {
        let (listener, port) = try Self.listen(namespacePath, hasInterface: hasInterface)
        let taken = OwnedFD(listener)
        var heard: OwnedFD?
        var heardPort: UInt16?
        if access.settings.dns != nil {
            let (socket, port) = try Self.listen(namespacePath, hasInterface: hasInterface, toDatagrams: true)
            heard = OwnedFD(socket)
            heardPort = port
        }
        try Self.capture(namespacePath, hasInterface: hasInterface, port: port, names: heardPort)
        // The way comes last: nobody finds one before all of the rules stand.
        if !isAgain { try Self.makeRoute(namespacePath, hasInterface: hasInterface) }
        let route = EgressRoute(gateway: gateway, access: access, counters: counters, report: report)
        do throws(SyscallError) {
            let wake = try WakeSignal()
            let pump = ForwardingPump(
                listener: taken,
                wake: wake,
                limit: connectionLimit,
                mayAccept: mayAccept
            ) { client in Self.begin(client, route) }
            self.wake = wake
            self.port = port
            names = Mutex(try Self.answer(heard, access.settings.dns, until: wake))
            do throws(SyscallError) { thread = Mutex(try JoinableThread("egress") { pump.run() }) } catch {
                // The other one was begun already.
                wake.raise()
                throw error
            }
        } catch {
            throw HostError(.resourceExhausted, nil, "egress_gateway: no way out can be made: \(error)")
        }
    }

    private static func answer(
        _ socket: consuming OwnedFD?,
        _ resolver: ResolverAddress?,
        until wake: WakeSignal
    ) throws(SyscallError) -> JoinableThread? {
        guard let socket, let resolver else { return nil }
        let relay = NameRelay(listener: socket, wake: wake, resolver: resolver)
        return try JoinableThread("egress-names") { relay.run() }
    }

    /// Ends every stream and the way itself; may be repeated.
    ///
    /// Takes at most as long as what the thread is at: it never blocks on a gateway.
    public func stop() {
        let running = thread.withLock { $0.take() }
        let second = names.withLock { $0.take() }
        wake.raise()
        running?.join()
        second?.join()
    }

    deinit { stop() }

    private static func listen(
        _ path: String,
        hasInterface: Bool,
        toDatagrams: Bool = false
    ) throws(HostError) -> (descriptor: CInt, port: UInt16) {
        // By an interface, connections come to the address of the host's end, which that gets later.
        let address = hasInterface ? "0.0.0.0" : "127.0.0.1"
        var failure = unsafe csh_network_failure()
        for wanted in [usualPort, 0] {
            var port = wanted
            let listener =
                unsafe toDatagrams
                ? csh_network_hear_inside(path, address, &port, &failure)
                : csh_network_listen_inside(path, address, &port, &failure)
            if listener >= 0 { return (listener, port) }
            guard unsafe failure.error == EADDRINUSE else { break }
        }
        throw Self.failure(unsafe SyscallError(String(cString: failure.call), failure.error, path))
    }

    private static func capture(
        _ path: String,
        hasInterface: Bool,
        port: UInt16,
        names: UInt16?
    ) throws(HostError) {
        var words = [CChar](repeating: 0, count: 1024)
        let failure = unsafe csh_network_rule(
            path,
            CaptureRules.text(hasInterface: hasInterface, port: port, names: names),
            &words,
            words.count
        )
        guard unsafe failure.error != 0 else { return }
        let error = unsafe SyscallError(String(cString: failure.call), failure.error, path)
        let more = text(words)
        throw Self.failure(error, more.isEmpty ? "" : ": \(more)")
    }

    private static func makeRoute(_ path: String, hasInterface: Bool) throws(HostError) {
        let failure = unsafe csh_network_route(
            path,
            hasInterface ? 1 : 0,
            ActorNamespace.hostAddress,
            ActorNamespace.address
        )
        guard unsafe failure.error != 0 else { return }
        throw Self.failure(unsafe SyscallError(String(cString: failure.call), failure.error, path))
    }

    private static func failure(_ error: SyscallError, _ more: String = "") -> HostError {
        HostError(.internal, nil, "egress_gateway: the namespace's connections cannot be captured: \(error)\(more)")
    }

    /// Takes one connection; one that cannot begin is closed.
    private static func begin(_ client: consuming OwnedFD, _ route: EgressRoute) -> EgressConnection? {
        var (address, port) = (UInt32(0), UInt16(0))
        let error = unsafe csh_network_original(client.rawValue, &address, &port)
        let octets = [24, 16, 8, 0].map { "\(address >> UInt32($0) & 255)" }
        let destination = "\(octets.joined(separator: ".")):\(port)"
        do throws(EgressRefusal.Cause) {
            guard error == 0 else {
                throw EgressRefusal.Cause("where it was going is not known: \(SyscallError("getsockopt", error))")
            }
            // Where names are asked for is such an address.
            guard !ActorNamespace.isOwn(address) || port == 53 && route.resolver != nil else {
                throw EgressRefusal.Cause("that is an address of the actor's own namespace")
            }
            guard 1..<224 ~= address >> 24 else { throw EgressRefusal.Cause("that is no address of one host") }
            return try EgressConnection(client: client, to: destination, by: route)
        } catch {
            route.refuse(destination, error)
            return nil
        }
    }
}
