import ActorContract
public import ActorLifecycle
public import ContractWire
public import GRPCTransport
import HostErrors
public import Telemetry

/// `atelet.AteomHerder`, both dialects: decode, call, encode.
public struct ContractService: Sendable {
    private let host: ActorHost
    private let setting: DialectSetting
    private let handlers: Handlers
    private let architecture: String

    /// Makes the service.
    ///
    /// - Parameters:
    ///   - host: what it calls.
    ///   - setting: which dialect to serve, or `auto`.
    ///   - architecture: this machine's, in the contract's words.
    ///   - logger: for failures.
    public init(host: ActorHost, setting: DialectSetting, architecture: String, logger: Logger) {
        self.host = host
        self.setting = setting
        self.architecture = architecture
        handlers = Handlers(logger: logger)
    }

    /// Its methods by HTTP/2 path.
    public var methods: [String: Method] {
        var methods: [String: Method] = [:]
        for method in ContractMethod.allCases {
            methods[method.path] = .unary { context, bytes in await self.handle(method, context, bytes) }
        }
        return methods
    }

    private func handle(_ method: ContractMethod, _ context: CallContext, _ bytes: [UInt8]) async -> UnaryReply {
        let dialect: Dialect
        do throws(HostError) {
            dialect = try ContractWire.detect(bytes, method: method, configured: setting)
        } catch {
            handlers.log(error, context)
            return UnaryReply(result: .failure(Handlers.status(error, dialect: nil)), trailers: [])
        }
        let reply = await handlers.reply(context, dialect: dialect) { () async throws(HostError) in
            let phases = try await perform(method, dialect, context, bytes)
            let text = phases.map { "\($0.name)=\(Self.rounded($0.milliseconds))\($0.program ? "p" : "h")" }.joined(
                separator: ","
            )
            return ([], text.isEmpty ? [] : [("x-substrate-phases", text)])
        }
        host.metrics.answered(method.rawValue, code: Handlers.word(reply.result))
        return reply
    }

    private func perform(
        _ method: ContractMethod,
        _ dialect: Dialect,
        _ context: CallContext,
        _ bytes: [UInt8]
    ) async throws(HostError) -> [Phase] {
        let required = host.backendDescription.requiredAssets
        switch method {
        case .run:
            let request = try ContractWire.decodeRun(bytes, dialect: dialect)
            try Validation.assets(request.assets, dialect: dialect, architecture: architecture, required: required)
            return try await host.run(request, context: verb(context, 30_000))
        case .checkpoint:
            let request = try ContractWire.decodeCheckpoint(bytes, dialect: dialect)
            return try await host.checkpoint(request, context: verb(context, 60_000))
        case .restore:
            let request = try ContractWire.decodeRestore(bytes, dialect: dialect)
            if dialect == .autumn {
                try Validation.assets(
                    request.run.assets,
                    dialect: dialect,
                    architecture: architecture,
                    required: required
                )
            }
            return try await host.restore(request, context: verb(context, 30_000))
        case .terminate:
            let request = try ContractWire.decodeTerminate(bytes)
            try await host.terminate(request, context: verb(context, 30_000))
            return []
        case .uploadPausedCheckpoint:
            let request = try ContractWire.decodeUploadPausedCheckpoint(bytes)
            try await host.uploadPausedCheckpoint(request, context: verb(context, 300_000))
            return []
        case .pruneLocalCheckpoints:
            let request = try ContractWire.decodePruneLocalCheckpoints(bytes)
            try await host.pruneLocalCheckpoints(request, context: verb(context, 60_000))
            return []
        }
    }

    private func verb(_ context: CallContext, _ milliseconds: Int64) -> VerbContext {
        Handlers.verb(context, otherwise: milliseconds)
    }

    private static func rounded(_ milliseconds: Double) -> Double { (milliseconds * 100).rounded() / 100 }
}
