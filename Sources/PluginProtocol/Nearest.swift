/// The listed name that is most like a misspelt one.
public enum Nearest {
    /// Nil when none is near: at most three letters differ, and fewer in a short word; or it is the one that begins so.
    public static func name(to wrong: String, among names: some Sequence<String>) -> String? {
        let sorted = names.sorted()
        let limit = wrong.utf8.count < 3 ? 1 : wrong.utf8.count < 6 ? 2 : 3
        var best: (name: String, distance: Int)?
        for name in sorted {
            let distance = distance(Array(wrong.utf8.prefix(64)), Array(name.utf8.prefix(64)))
            if distance < best?.distance ?? (limit + 1) { best = (name, distance) }
        }
        if let best { return best.name }
        let longer = wrong.utf8.count > 2 ? sorted.filter { $0.hasPrefix(wrong) } : []
        return longer.count == 1 ? longer.first : nil
    }

    /// `did you mean X?`, or nothing.
    public static func mend(_ wrong: String, among names: some Sequence<String>) -> String {
        name(to: wrong, among: names).map { "did you mean \($0)?" } ?? ""
    }

    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let best = min(diagonal + (x == y ? 0 : 1), row[j] + 1, row[j + 1] + 1)
                diagonal = row[j + 1]
                row[j + 1] = best
            }
        }
        return row[b.count]
    }
}
