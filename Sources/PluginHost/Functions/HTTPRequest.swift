import Glibc
import PluginProtocol
import SystemLayer
import Telemetry

/// `http.request`.
enum RequestHTTP: HostHandler {
    struct Arguments: HostArguments {
        let socket, method, path: String
        let body: [UInt8]?
        let statuses: [Int64]
        let waitMilliseconds: Int64
        init(_ fields: CheckedFields) {
            socket = fields.text("socket")
            method = fields.text("method")
            path = fields.text("path")
            body = fields.bytes("body")
            statuses = fields.integers("statuses")
            waitMilliseconds = fields.integer("wait_ms") ?? 0
        }
    }

    static let row = HostFunction.httpRequest

    /// A GET changes nothing, and is what polling is made of.
    static func target(_ arguments: Arguments, _ call: HostCall) -> String? {
        arguments.method == "GET" ? nil : "\(arguments.method) \(arguments.path) on \(arguments.socket)"
    }

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        // What is written on the line as it is must not hold what ends a line.
        guard arguments.path.hasPrefix("/"), arguments.path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw .mistake(
                ArgumentFault(
                    code: "api.range",
                    message: "http.request: path is \"\(arguments.path.prefix(60))\"",
                    expected: "a path that begins with / and holds no blank; others are written as %20"
                )
            )
        }
        let place = call.place(arguments.socket)
        guard place != nil || call.context.grants.sockets.contains(arguments.socket) else {
            return .refused(.accessDenied, "\(arguments.socket) is in none of actor.dirs, and no grant names it")
        }
        let interrupt = try call.context.interruptible()
        let exchange = HTTPExchange(
            arguments: arguments,
            place: place,
            interrupt: interrupt,
            connectDeadline: call.deadline(after: arguments.waitMilliseconds),
            deadline: call.context.deadline
        )
        let world = call.context.world
        let outcome = ProgramTime.wait { () -> Result<HTTPAnswer, HTTPExchange.Failure> in
            do throws(HTTPExchange.Failure) { return .success(try world.exchange(exchange)) } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .failure(.status(let status, let reason)): return .refused(status, reason)
        case .failure(.system(let error)): return try .refused(error, arguments.socket)
        case .success(let answer):
            let value = PluginValue.map(["code": .integer(Int64(answer.code)), "body": .bytes(answer.body)])
            let allowed =
                arguments.statuses.isEmpty
                ? (200...299).contains(answer.code) : arguments.statuses.contains(Int64(answer.code))
            if allowed { return .ok(value) }
            let body = String(decoding: answer.body.prefix(300), as: UTF8.self)
            return .refused(.failed, "\(arguments.method) \(arguments.path): \(answer.code) \(body)", value)
        }
    }
}
