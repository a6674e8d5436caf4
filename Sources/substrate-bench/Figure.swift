/// One number beside what it is compared with.
struct Figure {
    /// What a smaller or larger number means.
    enum Goal {
        case atMost(Double)
        case atLeast(Double)

        func isMet(_ value: Double) -> Bool {
            switch self {
            case .atMost(let limit): value <= limit
            case .atLeast(let limit): value >= limit
            }
        }

        var text: String {
            switch self {
            case .atMost(let limit): "≤ \(Figure.number(limit))"
            case .atLeast(let limit): "≥ \(Figure.number(limit))"
            }
        }
    }

    let scenario: Scenario
    let name: String
    let value: Double
    let unit: String
    /// The least that this machine could do, re-measured in this run, in the same unit.
    var floor: (name: String, value: Double)?
    var goal: Goal?

    var isMet: Bool? { goal.map { $0.isMet(value) } }

    /// Three digits that count, whatever the size.
    static func number(_ value: Double) -> String {
        let size = abs(value)
        let scale: Double = size >= 100 ? 1 : size >= 10 ? 10 : size >= 1 ? 100 : 1000
        let rounded = (value * scale).rounded() / scale
        let text = "\(rounded)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
