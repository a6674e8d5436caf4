import ActorContract
import Glibc
import PluginProtocol
package import SystemLayer

/// `process.adopt`.
enum AdoptProgram: HostHandler {
    struct Arguments: HostArguments {
        let name: String
        let pidfile: String
        let parent: PluginHandle?
        init(_ fields: CheckedFields) {
            name = fields.text("name")
            pidfile = fields.text("pidfile")
            parent = fields.handles("child_of").first
        }
    }

    static let row = HostFunction.processAdopt

    static func target(_ arguments: Arguments, _ call: HostCall) -> String? {
        "\(arguments.name): \(arguments.parent == nil ? arguments.pidfile : "the only child of a program")"
    }

    static func answer(_ arguments: Arguments, _ call: HostCall) throws(HostFailure) -> HostReply {
        let context = call.context
        let name = arguments.name
        guard ProgramArguments.isName(name) else {
            throw ProgramArguments.mistake(call, "name", name, "letters, digits, - and _, at most 127")
        }
        let source: AdoptionSource
        switch (arguments.parent, arguments.pidfile) {
        case (let parent?, ""):
            source = .childOf(try call.process(parent, at: "child_of", mend: "adopt before the process is waited for"))
        case (nil, let path) where !path.isEmpty:
            guard let (directory, rest) = call.place(path) else {
                return .refused(.accessDenied, "\(path) is in none of actor.dirs")
            }
            source = .pidfile(directory: directory, rest: rest)
        default:
            throw .mistake(
                ArgumentFault(
                    message: "process.adopt takes either pidfile or child_of",
                    expected: "one of the two",
                    got: arguments.parent == nil ? "neither" : "both",
                    mend: "pidfile = actor.dirs.bundles .. \"/\(name).pid\""
                )
            )
        }
        let found: HeldProcess
        do throws(AdoptionFailure) {
            found = try context.room.adopt(source, name: name)
        } catch {
            switch error {
            case .notFound(let words): return .refused(.notFound, words)
            case .accessDenied(let words): return .refused(.accessDenied, words)
            case .machine(let error): return .refused(.ioError, "\(error)")
            }
        }
        guard let process = found.kept else { return .refused(.notFound, "\(name) has ended") }
        if let other = context.kept.first(where: { $0.name == name }) {
            let same = context.processes.live.first { $0.value.kept == other }
            if other.pid == process.pid, other.startTime == process.startTime, let same {
                return .ok(.handle(same.handle), process: other)
            }
            if let handle = context.world.find(other), !handle.hasExited() {
                return .refused(.exists, "\"\(name)\" runs already as number \(other.pid)")
            }
            context.kept.removeAll { $0.name == name }
        }
        let mine: HeldProcess
        do throws(AdoptionFailure) { mine = try context.room.takeOver(found) } catch {
            switch error {
            case .notFound(let words), .accessDenied(let words): return .refused(.notFound, words)
            case .machine(let error): return .refused(.ioError, "\(error)")
            }
        }
        let kept = mine.kept ?? process
        return .ok(.handle(try context.keep(mine, as: kept)), process: kept)
    }
}

/// Where a program that is taken over is named.
package enum AdoptionSource: Sendable {
    /// A file in a directory of the actor's that holds its number.
    case pidfile(directory: String, rest: String)
    /// It is the only child of that one.
    case childOf(HeldProcess)
}

/// Why a program is not taken over.
package enum AdoptionFailure: Error {
    /// There is no such file, number or child.
    case notFound(String)
    /// It does not belong to the actor.
    case accessDenied(String)
    /// A call of the machine failed.
    case machine(SyscallError)
}
