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
            guard !request.actor.isEmpty else {
                throw HostError(.invalidArgument, nil, "actor is empty: name the actor to watch")
            }
            for await record in try host.watch(try host.resolve(request.actor)) {
                do throws(RPCStatus) { try await sink.send(message(record).encoded()) } catch { return (error, []) }
                if record.status == .removed { break }
            }
            return (.ok, [])
        } catch {
            handlers.log(error, context)
            return (Handlers.status(error, dialect: nil), [])
        }
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
