import PluginProtocol
import TestSupport

/// What a supervisor that was taken over might send.
struct Fuzz {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func chance(_ part: Int, of whole: Int) -> Bool { Int.random(in: 0..<whole, using: &random) < part }

    mutating func pick<T>(_ choices: [T]) -> T { choices[Int.random(in: choices.indices, using: &random)] }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
    }

    private static let texts = [
        "", "web", "../../etc", "a\nb", "\u{1b}[2J", "é", "host", "ok", String(repeating: "x", count: 300),
    ]
    private static let lines = texts.map { SupervisorFrame.log(text: $0, line: 3).encoded() }
    private static let names =
        HostFunction.table.flatMap { [$0.name, $0.versionedName, $0.name + "@2"] } + ["", "os.execute@1"]

    mutating func text() -> String { pick(Self.texts) }

    /// Some printed lines, as one piece.
    mutating func log() -> [UInt8] { (0..<Int.random(in: 1...12, using: &random)).flatMap { _ in pick(Self.lines) } }

    /// A handle: of the verb, of an old one, or of nobody's.
    private mutating func handle() -> PluginValue {
        let index: UInt32 = pick([0, 0, 1, 2, 7, 0x7fff_ffff, .max])
        return .handle(PluginHandle(index: index, generation: pick([0, 0, 0, 1, 2, .max])))
    }

    mutating func value(_ depth: Int = 0) -> PluginValue {
        switch Int.random(in: 0..<(depth > 3 ? 7 : 10), using: &random) {
        case 0: return .null
        case 1: return .boolean(chance(1, of: 2))
        case 2: return .integer(pick([0, 1, -1, .max, .min, 1 << 32]))
        case 3: return .float(pick([0, -0.5, .nan, .infinity, 1e308]))
        case 4: return .text(text())
        case 5: return .bytes(bytes(pick([0, 1, 40])))
        case 6: return handle()
        case 7: return .list((0..<pick([0, 1, 3])).map { _ in value(depth + 1) })
        case 8: return .list([PluginValue](repeating: handle(), count: pick([1, 50])))
        default:
            let keys = ["container", "confine", "process", "grace_ms", "command", "namespaces", "state", "x"]
            return .map((0..<pick([0, 1, 4])).reduce(into: [:]) { map, _ in map[pick(keys)] = value(depth + 1) })
        }
    }

    /// A call such as a script that keeps to the rules makes; no process of the actor lives.
    mutating func call(_ functions: [String]) -> SupervisorFrame {
        let function = pick(functions)
        let line = UInt32.random(in: 0...9, using: &random)
        let arguments: PluginValue =
            function.hasPrefix("process.stop")
            ? .map(["process": .list([]), "grace_ms": .integer(pick([0, 1]))])
            : .map(["container": .text(pick(["web", "nobody", ""]))])
        return .call(function: function, arguments: arguments, line: line)
    }

    /// A well-formed frame that says anything at all.
    mutating func anything() -> SupervisorFrame {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...4:
            return .call(function: pick(Self.names), arguments: value(), line: .random(in: 0 ... .max, using: &random))
        case 5: return .descriptor(value())
        case 6: return .answer(status: pick(["ok", "okay", "not_found", "busy", ""]), result: value())
        case 7: return .trap(TrapFrame(code: pick(["budget.memory", "", "x"]), message: text()))
        default: return .log(text: text(), line: 1)
        }
    }

    /// A frame's bytes, changed: flipped, cut, lengthened, doubled, with another length or kind, or no frame at all.
    mutating func mutated(_ frame: [UInt8]) -> [UInt8] {
        var frame = frame
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<max(1, frame.count), using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0 where !frame.isEmpty: frame[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1 where !frame.isEmpty: frame[place] = pick([0, 1, 0x7f, 0x80, 0xff])
            case 2: frame.removeLast(min(frame.count, Int.random(in: 0...8, using: &random)))
            case 3: frame.insert(contentsOf: bytes(Int.random(in: 1...8, using: &random)), at: place)
            case 4 where frame.count >= 4:
                let length: UInt32 = pick([0, 1, UInt32(frame.count), 1 << 20, 1 << 20 + 1, 0x7fff_ffff, .max])
                for byte in 0..<4 { frame[byte] = UInt8(truncatingIfNeeded: length >> UInt32(8 * byte)) }
            case 5 where frame.count > 4: frame[4] = pick([0, 1, 2, 3, 15, 16, 17, 18, 19, 20, 21, 0xff])
            case 6: frame += frame
            default: frame = bytes(Int.random(in: 0...40, using: &random))
            }
        }
        return frame
    }
}
