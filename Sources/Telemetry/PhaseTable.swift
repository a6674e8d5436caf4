import Glibc

/// Where the time of one verb went.
public struct PhaseTable: Sendable {
    /// The phases in the order they ended.
    ///
    /// `program` tells time spent waiting for somebody's program from the host's own.
    public private(set) var entries: [(name: String, ms: Double, program: Bool)] = []

    /// Makes an empty one.
    public init() {}

    /// Adds a phase that was measured elsewhere.
    ///
    /// - Parameters:
    ///   - name: one word or dotted words.
    ///   - milliseconds: how long it took.
    ///   - program: whether it was spent waiting for a program.
    public mutating func add(_ name: String, milliseconds: Double, program: Bool = false) {
        entries.append((name: name, ms: milliseconds, program: program))
    }

    /// Runs the body and adds how long it took, also when it throws.
    ///
    /// - Parameters:
    ///   - name: one word or dotted words.
    ///   - program: whether it waits for a program.
    ///   - body: the phase.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws.
    public mutating func measure<Value: ~Copyable, Failure: Error>(
        _ name: String,
        program: Bool = false,
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let start = PhaseClock.now()
        defer { add(name, milliseconds: PhaseClock.milliseconds(since: start), program: program) }
        return try body()
    }

    /// The time of the phases that waited for programs.
    public var programMilliseconds: Double { entries.reduce(0) { $1.program ? $0 + $1.ms : $0 } }
    /// The time of the host's own phases.
    public var hostMilliseconds: Double { entries.reduce(0) { $1.program ? $0 : $0 + $1.ms } }

    /// `prepare=0.412 launch=3.100* ready=1.020*`: milliseconds, a star on those of programs; for logs and trailers.
    public var text: String {
        entries.map { "\($0.name)=\(Self.number($0.ms))\($0.program ? "*" : "")" }.joined(separator: " ")
    }

    /// A JSON array of `{"name", "ms", "by": "host" or "program"}`.
    public var json: String {
        let items = entries.map { entry in
            "{\"name\":\(JSONText.quoted(entry.name)),\"ms\":\(Self.number(entry.ms)),"
                + "\"by\":\"\(entry.program ? "program" : "host")\"}"
        }
        return "[" + items.joined(separator: ",") + "]"
    }

    /// Milliseconds with three digits after the point, whatever the locale.
    private static func number(_ milliseconds: Double) -> String {
        guard milliseconds.isFinite, milliseconds > 0, milliseconds < 1e12 else { return "0.000" }
        let (whole, rest) = Int((milliseconds * 1000).rounded()).quotientAndRemainder(dividingBy: 1000)
        return "\(whole).\(WallClock.padded(rest, 3))"
    }
}
