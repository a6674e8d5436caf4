/// The candidate that a misspelt word was most likely meant to be.
///
/// - Parameters:
///   - word: as written.
///   - candidates: what would have been understood.
/// - Returns: the nearest by edit distance, if it is near enough to be meant; the first of equals.
func nearestName(to word: String, among candidates: [String]) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let distance = editDistance(Array(word.utf8), Array(candidate.utf8))
        if distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    // A third of the word may be wrong; a suggestion farther off confuses more than it helps.
    guard let best, best.distance <= max(1, word.utf8.count / 3) else {
        return candidates.first { word.utf8.count >= 3 && $0.hasPrefix(word) }
    }
    return best.name
}

/// Damerau's distance (optimal string alignment): a swap of neighbours counts once.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before: [Int] = []
    var previous = Array(0...b.count)
    for i in 0..<a.count {
        var current = [i + 1]
        for j in 0..<b.count {
            var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
            current.append(cost)
        }
        (before, previous) = (previous, current)
    }
    return previous[b.count]
}
