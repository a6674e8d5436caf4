import PluginAuthoring
import Telemetry

/// One verb of a life: how long it took, who took the time, and which host calls there were.
struct LifeStage {
    /// One host call, as the host logged it.
    struct Call {
        let line: String
        let function: String
        let about: String
        let outcome: String
        let microseconds: Double
    }

    let verb: String
    let isGood: Bool
    let milliseconds: Double
    private let error: String
    private let calls: [Call]
    private let programs: Double
    private let script: Double
    private let host: Double?
    private let readiness: Double?
    private let tries: Int
    private let traps: [String]
    /// What the actor's programs printed last, of a verb that failed.
    private let printed: [String]

    /// Reads what the host printed of the actor and logged of the verb.
    init(verb: String, isGood: Bool, milliseconds: Double, actor: String, error: String, log: String, printed: [String])
    {
        self.verb = verb
        self.printed = printed
        self.isGood = isGood
        self.milliseconds = milliseconds
        self.error = error
        let records = log.split(separator: "\n").map { line in
            Dictionary(
                (JSONObjectScanner.members(ArraySlice(line.utf8)) ?? []).map { ($0.key, Self.string($0.value)) },
                uniquingKeysWith: { $1 }
            )
        }
        calls = records.filter { $0["message"] == "plugin call" }.map { record in
            Call(
                line: record["plugin.line"] ?? "",
                function: record["plugin.function"] ?? "",
                about: record["plugin.about"] ?? "",
                outcome: record["plugin.outcome"] ?? "",
                microseconds: Double(record["plugin.us"] ?? "") ?? 0
            )
        }
        let done = records.last { $0["message"] == "verb is done" && $0["verb"] == verb }
        tries = done?["readiness.tries"].flatMap { Int($0) } ?? 0
        // A refusal is logged by everyone who asks for leave.
        traps = records.compactMap { $0["plugin.text"] }.reduce(into: []) { told, text in
            if !told.contains(text) { told.append(text) }
        }
        // The host keeps no phases of a stop: those that it shows are of the verb before.
        let phases = verb == "stop" ? [] : Self.phases(actor).filter { $0.name != "total" }
        let own = verb == "start" ? "run" : verb
        let spent = calls.reduce(0) { $0 + $1.microseconds } / 1000
        func sum(_ matches: (Phase) -> Bool) -> Double {
            phases.filter(matches).reduce(0) { $0 + $1.milliseconds }
        }
        programs = sum(\.isProgram)
        script = max(0, sum { $0.name == own || $0.name == "\(own).program" } - spent)
        host = phases.isEmpty ? nil : max(0, sum { !$0.isProgram } - script)
        readiness = phases.last { $0.name == "readiness" }?.milliseconds
    }

    /// One phase of a verb, as the host measured it.
    private struct Phase {
        let name: String
        let milliseconds: Double
        let isProgram: Bool
    }

    private static func string(_ value: ArraySlice<UInt8>) -> String {
        let text = String(decoding: value, as: UTF8.self)
        guard text.hasPrefix("\""), text.hasSuffix("\""), text.count > 1 else { return text }
        var plain = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if isEscaped {
                plain.append(character == "n" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                plain.append(character)
            }
        }
        return plain
    }

    /// A text of an object; nil when it is not there.
    static func text(_ name: String, in object: String) -> String? {
        JSONObjectScanner.members(ArraySlice(object.utf8))?.first { $0.key == name }.map { string($0.value) }
    }

    private static func phases(_ object: String) -> [Phase] {
        guard let list = JSONObjectScanner.members(ArraySlice(object.utf8))?.first(where: { $0.key == "phases" }) else {
            return []
        }
        // Flat objects: each ends at its first brace.
        return list.value.split(separator: UInt8(ascii: "}")).compactMap { piece in
            guard let start = piece.firstIndex(of: UInt8(ascii: "{")),
                let members = JSONObjectScanner.members(ArraySlice(Array(piece[start...]) + [UInt8(ascii: "}")]))
            else { return nil }
            let fields = Dictionary(members.map { ($0.key, string($0.value)) }, uniquingKeysWith: { $1 })
            return Phase(
                name: fields["name"] ?? "",
                milliseconds: Double(fields["ms"] ?? "") ?? 0,
                isProgram: fields["by"] == "program"
            )
        }
    }

    private static func rounded(_ milliseconds: Double) -> String { "\((milliseconds * 10).rounded() / 10)" }

    /// For people.
    var text: String {
        let padded = verb + String(repeating: " ", count: max(1, 12 - verb.count))
        guard isGood else {
            let why = error.split(separator: "\n").map { "  \($0)\n" }.joined()
            let more = traps.flatMap { $0.split(separator: "\n") }.map { "  \($0)\n" }.joined()
            let log = printed.map { "  log       \($0)\n" }.joined()
            return "\(padded)FAILED  \(Self.rounded(milliseconds)) ms\n\(why)\(more)\(callText)\(log)"
        }
        let times = host.map {
            "  host \(Self.rounded($0))  script \(Self.rounded(script))  programs \(Self.rounded(programs))"
        }
        let count = tries > 0 ? " (\(tries) \(tries == 1 ? "try" : "tries"))" : ""
        let ready = readiness.map { "   ready after \(Self.rounded($0)) ms\(count)\n" } ?? ""
        return "\(padded)ok  \(Self.rounded(milliseconds)) ms\(times ?? "")\n\(callText)\(ready)"
    }

    private var callText: String {
        calls.map { call in
            let line = String(repeating: " ", count: max(0, 4 - call.line.count)) + call.line
            let words = [call.function, call.about].filter { !$0.isEmpty }.joined(separator: " ")
            return "  \(line)  \(words)   \(Self.rounded(call.microseconds / 1000)) ms  \(call.outcome)\n"
        }.joined()
    }

    /// For programs.
    var json: PluginJSON {
        let calls = calls.map { call in
            PluginJSON.object([
                ("line", .integer(Int64(call.line) ?? 0)), ("function", .text(call.function)),
                ("about", .text(call.about)),
                ("outcome", .text(call.outcome)), ("ms", .number(call.microseconds / 1000)),
            ])
        }
        return .object([
            ("verb", .text(verb)), ("good", .boolean(isGood)), ("ms", .number(milliseconds)),
            ("script_ms", .number(script)), ("programs_ms", .number(programs)), ("calls", .list(calls)),
            ("readiness_tries", .integer(Int64(tries))), ("error", .text(error)), ("log", .texts(printed)),
        ])
    }
}
