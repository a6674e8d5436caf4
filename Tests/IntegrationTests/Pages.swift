import Foundation
import TestSupport

/// The pages of `sdk/docs`, as tests read them: their fenced blocks.
enum Pages {
    /// A fenced block.
    struct Block {
        /// The words behind the fence, such as `console root`.
        let words: [String]
        /// Its text.
        let text: String
        /// Where it begins in the page.
        let line: Int
    }

    /// The text of a page.
    ///
    /// - Parameter name: without its directory.
    /// - Returns: all of it.
    /// - Throws: when there is none of that name.
    static func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(TestMachine.checkout)/sdk/docs/\(name)", encoding: .utf8)
    }

    /// The blocks of a page, in its order.
    ///
    /// - Parameter name: without its directory.
    /// - Returns: all of them.
    /// - Throws: when there is no such page.
    static func blocks(_ name: String) throws -> [Block] {
        var blocks: [Block] = []
        var open: (words: [String], line: Int, text: [Substring])?
        for (index, line) in try text(name).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("```") {
                if let block = open {
                    let text = block.text.joined(separator: "\n") + "\n"
                    blocks.append(Block(words: block.words, text: text, line: block.line))
                    open = nil
                } else {
                    open = (line.dropFirst(3).split(separator: " ").map(String.init), index + 1, [])
                }
            } else {
                open?.text.append(line)
            }
        }
        return blocks
    }

    /// The scripts of a page: whole backends by name, each with the tests that follow it.
    ///
    /// - Parameter page: its name.
    /// - Returns: in its order.
    /// - Throws: when there is no such page.
    static func scripts(_ page: String) throws -> [(name: String, text: String, test: String?)] {
        var scripts: [(name: String, text: String, test: String?)] = []
        for block in try blocks(page) where block.words.first == "lua" {
            if let name = block.text.firstMatch(of: /(?m)^  name = "([a-z0-9-]+)"/)?.1 {
                scripts.append((String(name), block.text, nil))
            } else if block.text.contains("\ntest(\""), let last = scripts.indices.last {
                scripts[last].test = block.text
            }
        }
        return scripts
    }
}

/// What a page says that a command prints, where `…` stands for anything.
enum Expectation {
    /// Whether a command's output is what the page says.
    ///
    /// A line that is `…` alone stands for any lines, also for none; `…` in a line for any text, also for none.
    ///
    /// - Parameters:
    ///   - lines: of the page.
    ///   - output: of the command.
    /// - Returns: whether they agree.
    static func matches(_ lines: [String], _ output: [String]) -> Bool {
        guard let first = lines.first else { return output.isEmpty }
        if first == "…" {
            let rest = Array(lines.dropFirst())
            return (0...output.count).contains { matches(rest, Array(output.dropFirst($0))) }
        }
        guard let said = output.first, matches(first, said) else { return false }
        return matches(Array(lines.dropFirst()), Array(output.dropFirst()))
    }

    private static func matches(_ pattern: String, _ line: String) -> Bool {
        let parts = pattern.components(separatedBy: "…")
        guard parts.count > 1 else { return pattern == line }
        var rest = Substring(line)
        for (index, part) in parts.enumerated() where !part.isEmpty {
            if index == 0 {
                guard rest.hasPrefix(part) else { return false }
                rest = rest.dropFirst(part.count)
            } else if index == parts.count - 1 {
                return rest.hasSuffix(part)
            } else {
                guard let found = rest.range(of: part) else { return false }
                rest = rest[found.upperBound...]
            }
        }
        return true
    }
}
