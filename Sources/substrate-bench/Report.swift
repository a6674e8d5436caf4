/// The figures, for people or for machines.
enum Report {
    static func table(_ figures: [Figure]) -> String {
        var rows = [["", "measured", "floor in this run", "× floor", "goal", ""]]
        for figure in figures {
            let ratio = figure.floor.map { $0.value > 0 ? Figure.number(figure.value / $0.value) : "" } ?? ""
            rows.append([
                figure.name, "\(Figure.number(figure.value)) \(figure.unit)",
                figure.floor.map { "\(Figure.number($0.value)) \(figure.unit)  \($0.name)" } ?? "",
                ratio, figure.goal?.text ?? "", figure.isMet.map { $0 ? "met" : "missed" } ?? "",
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(
                separator: "  "
            )
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }.joined()
    }

    static func json(_ figures: [Figure], samples: Int) -> String {
        let items = figures.map { figure in
            var fields = [
                "\"scenario\":\"\(figure.scenario.rawValue)\"", "\"name\":\"\(figure.name)\"",
                "\"value\":\(figure.value)", "\"unit\":\"\(figure.unit)\"",
            ]
            if let floor = figure.floor {
                fields.append("\"floor\":{\"name\":\"\(floor.name)\",\"value\":\(floor.value)}")
            }
            if let goal = figure.goal { fields.append("\"goal\":\"\(goal.text)\"") }
            if let met = figure.isMet { fields.append("\"met\":\(met)") }
            return "{" + fields.joined(separator: ",") + "}"
        }
        return "{\"samples\":\(samples),\"figures\":[\(items.joined(separator: ",\n"))]}\n"
    }
}
