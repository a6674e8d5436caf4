import ActorContract
import ContractWire
import Glibc
import HostErrors
import SystemLayer

/// An actor's file: the autumn RunRequest by field name, as YAML.
enum ActorFile {
    /// Reads and validates one.
    ///
    /// - Parameters:
    ///   - path: the file; `-` is standard input.
    ///   - slot: overrides `target_ateom_uid`.
    /// - Returns: the request.
    /// - Throws: `invalidArgument` with the field and the mend.
    static func read(_ path: String, slot: String?) throws(HostError) -> RunRequest {
        let bytes: [UInt8]
        do throws(SyscallError) {
            if path == "-" {
                bytes = try readAll(from: STDIN_FILENO, limit: 1 << 20)
            } else {
                let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
                guard number >= 0 else { throw SyscallError("open", errno) }
                let file = OwnedFD(number)
                bytes = try readAll(from: file.rawValue, limit: 1 << 20)
            }
        } catch {
            throw HostError(.invalidArgument, nil, "cannot be read: \(error)")
        }
        return try ContractWire.runRequest(fromFields: try fields(YAMLDocument.parse(bytes)), slot: slot)
    }

    private static func fields(_ node: YAMLNode) throws(HostError) -> FieldTree {
        switch node {
        case .null: return .null
        case .scalar(let text, _): return .scalar(text)
        case .list(let items, _):
            var list: [FieldTree] = []
            for item in items { list.append(try fields(item)) }
            return .list(list)
        case .map(let members, _):
            var map: [(String, FieldTree)] = []
            for member in members { map.append((member.key, try fields(member.value))) }
            return .map(map)
        }
    }
}
