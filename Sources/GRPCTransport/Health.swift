import Synchronization

/// The standard health service.
///
/// - Source: gRPC "Health checking protocol", `grpc.health.v1`.
final class Health: Sendable {
    static let check = "/grpc.health.v1.Health/Check"
    static let watch = "/grpc.health.v1.Health/Watch"

    /// The numbers of `HealthCheckResponse.ServingStatus`.
    private enum Word: UInt8 {
        case serving = 1
        case notServing = 2
        case serviceUnknown = 3

        /// Field 1 of the response, a varint.
        var message: [UInt8] { [0x08, rawValue] }
    }

    private struct State {
        var isServing = true
        var hasEnded = false
        var nextWatcher = 0
        var watchers: [Int: AsyncStream<Bool>.Continuation] = [:]
    }

    private let services: Set<String>
    private let state = Mutex(State())

    /// Knows the services of these methods, its own, and the whole server under the empty name.
    init(methods: some Sequence<String>) {
        services = Set((methods + [Self.check]).compactMap { $0.split(separator: "/").first.map(String.init) })
            .union([""])
    }

    /// Tells who watches of a change.
    func set(_ serving: Bool) {
        let watchers = state.withLock { state in
            guard state.isServing != serving else { return [AsyncStream<Bool>.Continuation]() }
            state.isServing = serving
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.yield(serving) }
    }

    /// Says NOT_SERVING for good, and ends every watch after that.
    func end() {
        set(false)
        let watchers = state.withLock { state in
            state.hasEnded = true
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.finish() }
    }

    func check(_ request: [UInt8]) -> Result<[UInt8], RPCStatus> {
        guard let service = Self.service(in: request) else { return .failure(Self.malformed) }
        guard services.contains(service) else {
            return .failure(RPCStatus(code: 5, message: "unknown service: \(service)"))
        }
        return .success(word(state.withLock { $0.isServing }).message)
    }

    /// Sends the status of now, then each change, until the client goes or the server ends.
    func watch(_ request: [UInt8], _ sink: any ResponseSink) async -> RPCStatus {
        guard let service = Self.service(in: request) else { return Self.malformed }
        let isKnown = services.contains(service)
        let (id, changes) = subscribe()
        defer { _ = state.withLock { $0.watchers.removeValue(forKey: id) } }
        var last: Word?
        for await serving in changes {
            // Methods never come or go: a service that is unknown stays so.
            let word = isKnown ? word(serving) : .serviceUnknown
            guard word != last else { continue }
            last = word
            do throws(RPCStatus) { try await sink.send(word.message) } catch { return error }
        }
        return Task.isCancelled ? .cancelled : RPCStatus(code: 14, message: "the server is shutting down")
    }

    /// The status of now and those to come; a slow reader gets the newest.
    private func subscribe() -> (Int, AsyncStream<Bool>) {
        let (changes, watcher) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(1))
        return state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = watcher
            watcher.yield(state.isServing)
            if state.hasEnded { watcher.finish() }
            return (state.nextWatcher, changes)
        }
    }

    private func word(_ serving: Bool) -> Word { serving ? .serving : .notServing }

    private static let malformed = RPCStatus(code: 3, message: "not a grpc.health.v1.HealthCheckRequest")

    /// Field 1 of a message that has no other; nil if it is anything else.
    private static func service(in request: [UInt8]) -> String? {
        guard !request.isEmpty else { return "" }
        // A name under 128 bytes has a length of one byte; longer ones are no service of ours anyhow.
        guard request.count >= 2, request[0] == 0x0a, request[1] < 128, request.count == 2 + Int(request[1]) else {
            return nil
        }
        return String(validating: request[2...], as: UTF8.self)
    }
}
