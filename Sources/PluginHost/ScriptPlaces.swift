package import PluginOverlays

/// Where the lines are that a supervisor speaks of: a script's own, or those of the modules that it requires.
///
/// A supervisor says a module by the upper half of a line: its number, from 1, in the order in which it was sent.
package struct ScriptPlaces: Sendable {
    private let file: String
    private let modules: [String]

    /// Of a script and its modules.
    package init(_ entry: PluginEntry) { self.init(file: entry.fileName, modules: ScriptLoad.order(entry)) }

    init(file: String, modules: [String] = []) {
        self.file = file
        self.modules = modules
    }

    /// The number within its file.
    package static func number(_ line: UInt32) -> UInt32 { line & 0xffff }

    /// Whether it is a line of the script itself.
    package static func isOwn(_ line: UInt32) -> Bool { line >> 16 == 0 }

    /// `backend.lua:13` or `lib/containers.lua:7`.
    package func callAsFunction(_ line: UInt32) -> String {
        Self.isOwn(line) ? "\(file):\(line)" : label(line)
    }

    /// `13` of the script itself, `lib/containers.lua:7` of a module.
    package func label(_ line: UInt32) -> String {
        let number = Int(line >> 16)
        guard number > 0 else { return "\(line)" }
        // Supervisors are not trusted: one may speak of a module that there is not.
        let name = modules.indices.contains(number - 1) ? modules[number - 1] : "?"
        return "lib/\(name).lua:\(Self.number(line))"
    }
}
