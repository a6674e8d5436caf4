import ActorContract
import Glibc
import PluginHost
import PluginProtocol
import Synchronization

/// Sees every host call of every verb, by actor, and answers in the host's place where a fault is armed.
final class Observer: CallObserver {
    /// One call as it went.
    struct Call: Sendable {
        let verb: String
        /// Within its verb, from 1.
        let number: Int
        let function: String
        /// Of the calls of that function on that line, in its verb, from 1.
        let turn: Int
        let target: String?
        let line: UInt32
        var status: PluginStatus?
    }

    /// What becomes of a call.
    enum Fault: Sendable, Equatable {
        /// It is answered so, and not done.
        case status(PluginStatus)
        /// It takes until the verb's deadline is over, which is so many milliseconds after its beginning.
        case slow(within: Int64)
        /// The supervisor is killed while the call is done.
        case kill
        /// It waits until the verb is cancelled.
        case hold
    }

    /// One verb on its thread.
    struct Flight: Sendable {
        let key: ActorKey
        let verb: String
        let deadline: ContinuousClock.Instant
        let cancellation: KillableVerb
        var calls = 0
        var turns: [String: Int] = [:]
    }

    private struct Armed {
        let verb: String
        /// Which call of the verb; nil: whichever comes first.
        let call: Call?
        let fault: Fault

        /// A script that waits for something calls more often the longer that takes: its calls are not to be counted.
        func fits(_ other: Call) -> Bool {
            guard verb == other.verb else { return false }
            guard let call else { return true }
            return (call.function, call.line, call.turn) == (other.function, other.line, other.turn)
        }
    }
    private struct State {
        var flights: [pthread_t: Flight] = [:]
        var calls: [ActorKey: [Call]] = [:]
        var armed: [ActorKey: Armed] = [:]
        var held: Set<ActorKey> = []
    }
    private let state = Mutex(State())
    /// What an injected fault says of itself.
    static let reason = "injected by the conformance suite"

    /// Every call of an actor's verbs so far.
    func calls(_ key: ActorKey) -> [Call] { state.withLock { $0.calls[key] ?? [] } }

    /// Has one call go wrong, once, when it comes again.
    func arm(_ key: ActorKey, _ call: Call, _ fault: Fault) {
        state.withLock { $0.armed[key] = Armed(verb: call.verb, call: call, fault: fault) }
    }

    /// Has the first call of a verb go wrong, once.
    func arm(_ key: ActorKey, firstOf verb: String, _ fault: Fault) {
        state.withLock { $0.armed[key] = Armed(verb: verb, call: nil, fault: fault) }
    }

    /// Forgets what is armed.
    ///
    /// - Returns: whether the call had come: a verb may have ended before it.
    @discardableResult
    func disarm(_ key: ActorKey) -> Bool { state.withLock { $0.armed.removeValue(forKey: key) == nil } }

    /// Whether a fault waits for that verb, and which.
    func armed(_ key: ActorKey, verb: String) -> Fault? {
        state.withLock { state in state.armed[key].flatMap { $0.verb == verb ? $0.fault : nil } }
    }

    /// Whether a call of the actor's is being held.
    func isHeld(_ key: ActorKey) -> Bool { state.withLock { $0.held.contains(key) } }

    /// Says that the calls of this thread are of that verb, while the body runs.
    func flying<Value, Failure: Error>(
        _ flight: Flight,
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let thread = pthread_self()
        state.withLock { $0.flights[thread] = flight }
        defer { state.withLock { _ = $0.flights.removeValue(forKey: thread) } }
        return try body()
    }

    func begin(_ call: ObservedCall) -> (status: PluginStatus, reason: String)? {
        let (flight, fault) = state.withLock { state -> (Flight?, Fault?) in
            guard var flight = state.flights[pthread_self()] else { return (nil, nil) }
            flight.calls += 1
            flight.turns["\(call.function) \(call.line)", default: 0] += 1
            state.flights[pthread_self()] = flight
            let made = Call(
                verb: flight.verb,
                number: flight.calls,
                function: call.function,
                turn: flight.turns["\(call.function) \(call.line)"] ?? 1,
                target: call.target,
                line: call.line
            )
            state.calls[flight.key, default: []].append(made)
            guard let armed = state.armed[flight.key], armed.fits(made) else { return (flight, nil) }
            state.armed[flight.key] = nil
            if armed.fault == .hold { state.held.insert(flight.key) }
            return (flight, armed.fault)
        }
        guard let flight, let fault else { return nil }
        switch fault {
        case .status(let status): return (status, Self.reason)
        case .kill:
            flight.cancellation.kill()
            return nil
        case .slow:
            while ContinuousClock.now < flight.deadline + .milliseconds(5), !flight.cancellation.isCancelled {
                usleep(2000)
            }
            let mayFail = HostFunction.named(call.function)?.statuses.contains(.timeout) ?? false
            return mayFail ? (.timeout, Self.reason) : nil
        case .hold:
            // Long beyond what a cancel needs: a verb that nobody cancels must not wait for ever.
            let end = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < end, !flight.cancellation.isCancelled { usleep(1000) }
            return nil
        }
    }

    func finish(_ call: ObservedCall, status: PluginStatus) {
        state.withLock { state in
            guard let flight = state.flights[pthread_self()], let count = state.calls[flight.key]?.count, count > 0
            else { return }
            state.calls[flight.key]?[count - 1].status = status
        }
    }
}

/// A verb's cancellation, whose supervisor can be killed without the verb being cancelled.
final class KillableVerb: VerbCancellation {
    private let inner: any VerbCancellation
    /// What a backend registers first: the end of its supervisor.
    private let first = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ inner: any VerbCancellation) { self.inner = inner }

    var isCancelled: Bool { inner.isCancelled }

    func onCancel(_ action: @escaping @Sendable () -> Void) {
        first.withLock { if $0 == nil { $0 = action } }
        inner.onCancel(action)
    }

    /// Kills the supervisor, as an operator or the kernel might.
    func kill() { first.withLock { $0 }?() }
}
