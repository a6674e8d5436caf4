import ActorContract
import ActorLifecycle
import ContractWire
import GRPCTransport
import HostErrors

/// The two streams of our own service.
extension OwnService {
    /// Sends an actor, or all, and then each change.
    func watch(_ context: CallContext, _ bytes: [UInt8], _ sink: any ResponseSink) async -> (
        RPCStatus, [(String, String)]
    ) {
        do throws(HostError) {
            let request = try HostMessages.WatchRequest(decoding: bytes)
            if request.actor.isEmpty {
                let (now, changes) = host.watchAll()
                return try await Self.relay(now, changes, as: message, to: sink) { _ in false }
            }
            let changes = try host.watch(try host.resolve(request.actor))
            return try await Self.relay([], changes, as: message, to: sink) {
                $0.status == .removed
            }
        } catch {
            handlers.log(error, context)
            return (Handlers.status(error, dialect: nil), [])
        }
    }

    /// Sends records until the last one, the client's end or the end of the stream, which means that it was too slow.
    static func relay(
        _ now: [ActorRecord],
        _ changes: AsyncStream<ActorRecord>,
        as message: (ActorRecord) -> HostMessages.Actor,
        to sink: any ResponseSink,
        isLast: (ActorRecord) -> Bool
    ) async throws(HostError) -> (RPCStatus, [(String, String)]) {
        do throws(RPCStatus) {
            for record in now { try await sink.send(message(record).encoded()) }
            let known = Dictionary(now.map { ($0.identity.key, $0) }) { first, _ in first }
            for await record in changes {
                // What happened while the list was made is in both.
                if let first = known[record.identity.key],
                    record.sinceMilliseconds < first.sinceMilliseconds
                        || (record.sinceMilliseconds == first.sinceMilliseconds && record.status == first.status)
                {
                    continue
                }
                try await sink.send(message(record).encoded())
                if isLast(record) { return (.ok, []) }
            }
        } catch { return (error, []) }
        if Task.isCancelled { return (.cancelled, []) }
        throw HostError(
            .aborted,
            .missedChanges,
            "this watcher read too slowly and missed changes: watch again, which begins with how things are now"
        )
    }

    /// Sends what an actor printed, and on request what it prints from now on.
    func logs(_ context: CallContext, _ bytes: [UInt8], _ sink: any ResponseSink) async -> (
        RPCStatus, [(String, String)]
    ) {
        do throws(HostError) {
            let request = try HostMessages.LogsRequest(decoding: bytes)
            let key = try host.resolve(request.actor)
            for await line in try host.logs(key, container: request.container, follow: request.follow) {
                let chunk = HostMessages.LogChunk(
                    container: line.container,
                    line: line.bytes,
                    timeNs: line.timeNanoseconds,
                    stream: line.stream,
                    dropped: line.dropped
                )
                do throws(RPCStatus) { try await sink.send(chunk.encoded()) } catch { return (error, []) }
            }
            return (.ok, [])
        } catch {
            handlers.log(error, context)
            return (Handlers.status(error, dialect: nil), [])
        }
    }
}
