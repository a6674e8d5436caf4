import Assets
import HostErrors
import SystemLayer

/// The file that says what goes into a pack.
enum PackList {
    /// Reads one.
    ///
    /// - Parameters:
    ///   - path: a YAML file with the list `assets`; absolute.
    ///   - environment: of this process.
    /// - Returns: the files to pack, their paths absolute.
    /// - Throws: every mistake, each with file and line.
    static func read(_ path: String, environment: Environment = .current) throws -> [PackInput] {
        guard let text = TextFile.read(path) else {
            throw UsageError("\(path) cannot be read: write a YAML file with the list assets", command: "assets")
        }
        let root: YAMLNode
        do throws(HostError) { root = try YAMLDocument.parse(Array(text.utf8)) } catch {
            throw UsageError(pack: ["\(path): \(error.message)"])
        }
        var reader = ConfigurationReader(path: path, environment: environment)
        var inputs: [PackInput] = []
        for member in reader.members(root, of: "", keys: ["assets"]) {
            guard case .list(let items, _) = member.value else {
                reader.mistake(member.value.line, "assets is \(member.value.kind); write a list")
                continue
            }
            for (index, item) in items.enumerated() {
                if let input = input(item, "assets[\(index)]", &reader) { inputs.append(input) }
            }
        }
        guard reader.mistakes.isEmpty else { throw UsageError(pack: reader.mistakes) }
        return inputs
    }

    private static func input(_ node: YAMLNode, _ name: String, _ reader: inout ConfigurationReader) -> PackInput? {
        let before = reader.mistakes.count
        var id: Int?
        var texts: [String: String] = [:]
        var slot: Int?
        for member in reader.members(node, of: name, keys: ["id", "name", "bank", "file", "preload"]) {
            let field = "\(name).\(member.key)"
            switch member.key {
            case "id": id = reader.integer(member.value, field, Int(Int32.min)...Int(Int32.max))
            case "preload": slot = reader.integer(member.value, field, 0...255)
            default: texts[member.key] = reader.scalar(member.value, field, "one word")
            }
        }
        let banks = AssetBank.allCases.map(\.rawValue)
        let bank = texts["bank"].flatMap { AssetBank(rawValue: $0) }
        if let text = texts["bank"], bank == nil {
            reader.mistake(node.line, "\(name).bank is \"\(text)\"; write one of \(banks.joined(separator: ", "))")
        }
        guard reader.mistakes.count == before else { return nil }
        guard let id, let label = texts["name"], let bank, let file = texts["file"] else {
            reader.mistake(node.line, "\(name) needs id, name, bank and file; preload: SLOT may be left out")
            return nil
        }
        return PackInput(
            id: Int32(id),
            name: label,
            bank: bank,
            path: reader.environment.absolute(file),
            slot: slot.map { UInt8($0) }
        )
    }
}

extension UsageError {
    /// A list of a pack that cannot be obeyed.
    ///
    /// - Parameter lines: every mistake, each with file and line.
    init(pack lines: [String]) {
        self.init(lines.joined(separator: "\n"), command: "assets")
    }
}
