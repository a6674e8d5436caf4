public import ContractWire
public import GRPCTransport
import HostErrors

/// `grpc.reflection`: what is served, told to clients that have no `.proto` files.
public struct ReflectionService: Sendable {
    private let reflection: Reflection

    /// Makes the service.
    ///
    /// - Parameter reflection: what it tells.
    public init(_ reflection: Reflection) { self.reflection = reflection }

    /// Its methods by HTTP/2 path.
    public var methods: [String: Method] {
        let method = Method.conversation { _, request in
            do throws(HostError) {
                return .success(try reflection.answer(request))
            } catch {
                return .failure(Handlers.status(error, dialect: nil))
            }
        }
        return Dictionary(Reflection.paths.map { ($0, method) }) { first, _ in first }
    }
}
