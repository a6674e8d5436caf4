import Glibc
import SystemLayer

/// Writes to a person or a program: tables, JSON, and colour on a terminal alone.
struct ConsoleOutput: Sendable {
    /// How a text looks on a terminal.
    enum Style: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    /// Standard output.
    static let standard = ConsoleOutput(descriptor: STDOUT_FILENO)
    /// Standard error.
    static let error = ConsoleOutput(descriptor: STDERR_FILENO)

    /// Where it goes; stays open.
    let descriptor: CInt
    /// Whether styles are written.
    let hasColour: Bool

    /// Makes one.
    ///
    /// - Parameters:
    ///   - descriptor: open for writing for as long as this value is used.
    ///   - hasColour: nil asks the descriptor and the variables `NO_COLOR` and `TERM`.
    init(descriptor: CInt, hasColour: Bool? = nil) {
        self.descriptor = descriptor
        self.hasColour =
            hasColour
            ?? (isatty(descriptor) == 1 && Environment.variable("NO_COLOR") == nil
                && Environment.variable("TERM") != "dumb")
    }

    /// Writes text as it is.
    func write(_ text: String) {
        // A reader that went away (`| head`) is no failure of ours.
        try? writeAll(Array(text.utf8), to: descriptor)
    }

    /// Writes a line.
    func line(_ text: String = "") { write(text + "\n") }

    /// Writes JSON, indented, and a newline.
    func json(_ value: JSONText) { line(value.pretty) }

    /// The text in that style where there is colour, else as it is.
    func styled(_ text: String, _ style: Style) -> String {
        hasColour ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Writes rows under a header, columns aligned; control characters are shown, not obeyed.
    ///
    /// - Parameters:
    ///   - header: one word a column.
    ///   - rows: as many cells as the header.
    func table(_ header: [String], _ rows: [[String]]) {
        let clean = rows.map { $0.map(Self.printable) }
        var widths = header.map(\.count)
        for row in clean {
            for (column, cell) in row.enumerated() where column < widths.count {
                widths[column] = max(widths[column], cell.count)
            }
        }
        line(styled(Self.aligned(header, widths), .bold))
        for row in clean { line(Self.aligned(row, widths)) }
    }

    /// The text with its control characters made visible, so that an actor's words cannot drive the terminal.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        var clean = ""
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                clean += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                clean.unicodeScalars.append(scalar)
            }
        }
        return clean
    }

    private static func aligned(_ cells: [String], _ widths: [Int]) -> String {
        var text = ""
        for (column, cell) in cells.enumerated() {
            text += cell
            if column < cells.count - 1, column < widths.count {
                text += String(repeating: " ", count: max(0, widths[column] - cell.count) + 2)
            }
        }
        return text
    }
}
