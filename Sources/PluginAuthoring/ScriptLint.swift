import PluginProtocol

/// What can be seen of a script without running it: each finding is one, none is a guess.
struct ScriptLint {
    /// A finding, as `file:line message`.
    struct Finding: Equatable {
        let line: Int
        let message: String
        /// How to mend it; empty where the message says so.
        var mend = ""
        /// The function that is called and not in needs.
        var need = ""
    }

    /// A call of a host function, or the mention of one.
    private struct Use {
        let name: String
        /// The index of `host`.
        let start: Int
        /// The index after the function's name.
        let end: Int
        let line: Int
    }

    private let tokens: [LuaToken]
    private let rows: [HostFunction]

    init(_ source: [UInt8], rows: [HostFunction] = HostFunction.table) {
        tokens = LuaTokens.read(source)
        self.rows = rows
    }

    /// Every `host.module.function`, where `host` is the global one.
    private var uses: [Use] {
        var found: [Use] = []
        for index in tokens.indices.dropLast(4) where tokens[index].kind == .name && tokens[index].text == "host" {
            let before = index > 0 ? tokens[index - 1] : nil
            if before?.isSymbol(".") == true || before?.isSymbol(":") == true { continue }
            guard tokens[index + 1].isSymbol("."), tokens[index + 2].kind == .name, tokens[index + 3].isSymbol("."),
                tokens[index + 4].kind == .name
            else { continue }
            let name = "\(tokens[index + 2].text).\(tokens[index + 4].text)"
            found.append(Use(name: name, start: index, end: index + 5, line: tokens[index].line))
        }
        return found
    }

    /// Calls that would end their verb: of no function, or of one that is not in needs.
    func mistakes(needs: [String]) -> [Finding] {
        // Whoever names something else `host` knows better.
        if shadowsHost { return [] }
        var seen: Set<String> = []
        let place = needsLine.map { " (line \($0))" } ?? ""
        return uses.compactMap { use in
            guard !needs.contains(use.name), seen.insert(use.name).inserted else { return nil }
            if rows.contains(where: { $0.name == use.name }) {
                return Finding(
                    line: use.line,
                    message: "host.\(use.name) is not in needs",
                    mend: "add \"\(use.name)\" to needs\(place); plugin check --fix does it",
                    need: use.name
                )
            }
            let near = Nearest.name(to: use.name, among: rows.map(\.name))
            return Finding(
                line: use.line,
                message: "host.\(use.name) does not exist",
                mend: near.map { "did you mean host.\($0)?" } ?? "`substrate-host plugin doc` lists the functions"
            )
        }
    }

    private var shadowsHost: Bool {
        tokens.indices.dropFirst().contains { index in
            tokens[index].text == "host" && tokens[index].kind == .name
                && (tokens[index - 1].isKeyword("local") || tokens[index - 1].isSymbol(","))
                && (index + 1 < tokens.count && (tokens[index + 1].isSymbol("=") || tokens[index + 1].isSymbol(",")))
        }
    }

    /// Statuses that nobody looks at.
    func ignoredStatuses() -> [Finding] {
        uses.compactMap { use in
            guard let row = rows.first(where: { $0.name == use.name }), !row.answers.isInfallible,
                let end = endOfCall(use.end)
            else { return nil }
            let consequence = "a failed \(row.function) would pass for success; try(…) mends it"
            if isStatement(use, end) {
                return Finding(line: use.line, message: "the status of \(row.name) is never read: \(consequence)")
            }
            guard let name = local(use), name != "_", !occurs(name, after: end) else { return nil }
            return Finding(line: use.line, message: "\"\(name)\" is never read: \(consequence)")
        }
    }

    /// The index after a call's arguments; nil where the function is only named.
    private func endOfCall(_ start: Int) -> Int? {
        guard start < tokens.count else { return nil }
        if tokens[start].kind == .string { return start + 1 }
        guard tokens[start].isSymbol("(") || tokens[start].isSymbol("{") else { return nil }
        var depth = 0
        for index in start..<tokens.count {
            let token = tokens[index]
            guard token.kind == .symbol else { continue }
            if ["(", "{", "["].contains(token.text) { depth += 1 }
            if [")", "}", "]"].contains(token.text) { depth -= 1 }
            if depth == 0 { return index + 1 }
        }
        return nil
    }

    /// Whether a call is a whole statement: a name after the end of an expression always begins one.
    private func isStatement(_ use: Use, _ end: Int) -> Bool {
        if end < tokens.count, tokens[end].kind == .string { return false }
        if end < tokens.count, tokens[end].kind == .symbol,
            [".", "[", ":", "(", "{", "=", ","].contains(tokens[end].text)
        {
            return false
        }
        guard use.start > 0 else { return true }
        let before = tokens[use.start - 1]
        switch before.kind {
        case .string, .number, .name: return true
        case .keyword:
            return ["do", "then", "else", "repeat", "end", "nil", "true", "false", "break"].contains(before.text)
        case .symbol: return [";", ")", "]", "}", "...", "::"].contains(before.text)
        }
    }

    /// The first name of `local a, b = host.…`.
    private func local(_ use: Use) -> String? {
        guard use.start > 2, tokens[use.start - 1].isSymbol("=") else { return nil }
        var index = use.start - 2
        while index > 0, tokens[index].kind == .name, tokens[index - 1].isSymbol(",") { index -= 2 }
        guard index > 0, tokens[index].kind == .name, tokens[index - 1].isKeyword("local") else { return nil }
        return tokens[index].text
    }

    /// Whether a name stands anywhere in the rest of the block that a statement is in.
    private func occurs(_ name: String, after start: Int) -> Bool {
        var depth = 0
        for token in tokens[start...] {
            if token.kind == .name, token.text == name { return true }
            guard token.kind == .keyword else { continue }
            switch token.text {
            case "function", "if", "do", "repeat": depth += 1
            case "end", "until": depth -= 1
            // The other branch of an `if` that the statement is in.
            case "else", "elseif": if depth == 0 { return false }
            default: break
            }
            // `until` still sees the block's names: its condition is read before the block is over.
            if depth < 0, token.text == "end" { return false }
        }
        return false
    }

    /// The line of `needs =`.
    var needsLine: Int? { needsStart.map { tokens[$0].line } }

    private var needsStart: Int? {
        tokens.indices.dropLast(2).first { index in
            tokens[index].kind == .name && tokens[index].text == "needs" && tokens[index + 1].isSymbol("=")
                && tokens[index + 2].isSymbol("{")
        }
    }

    /// The source with these functions in needs; nil where no place for them is found.
    func adding(_ functions: [String], to source: [UInt8]) -> [UInt8]? {
        let words = functions.map { "\"\($0)\"" }.joined(separator: ", ")
        if let start = needsStart, let end = endOfCall(start + 2) {
            let last = tokens[end - 2]
            let isEmpty = last.isSymbol("{")
            let comma = last.isSymbol(",") || last.isSymbol(";") ? " " : ", "
            // After the last word, so that a closing bracket on a line of its own stays there.
            let text = isEmpty ? " \(words) " : "\(comma)\(words)"
            return spliced(
                text,
                at: last.range.upperBound,
                removing: isEmpty ? tokens[end - 1].range.lowerBound : nil,
                source
            )
        }
        guard
            let at = tokens.indices.dropLast(3).last(where: {
                tokens[$0].kind == .name && tokens[$0].text == "api" && tokens[$0 + 1].isSymbol("=")
                    && tokens[$0 + 3].isSymbol(",")
            })
        else { return nil }
        return spliced("\n  needs = { \(words) },", at: tokens[at + 3].range.upperBound, removing: nil, source)
    }

    private func spliced(_ text: String, at start: Int, removing end: Int?, _ source: [UInt8]) -> [UInt8] {
        Array(source[..<start]) + Array(text.utf8) + Array(source[(end ?? start)...])
    }
}
