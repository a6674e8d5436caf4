/// A connection of an actor that was not let out.
public struct EgressRefusal: Sendable {
    /// Where it was going, `ADDRESS:PORT`.
    public let destination: String
    /// Why, in words for whoever operates the host; no secret is in them.
    public let reason: String
    /// How many before it were not told, since they came too fast.
    public let untold: Int

    /// Why something came to nothing.
    struct Cause: Error, Equatable {
        let words: String
        init(_ words: String) { self.words = words }
    }
}

/// Keeps an actor that fails fast from filling the log.
struct RefusalLimit {
    private static let (most, milliseconds) = (20, 10_000)
    private var window = Deadline(milliseconds: milliseconds)
    private var told = 0
    private var untold = 0

    /// - Returns: how many were kept back before this one, which is to be told; nil keeps it back too.
    mutating func next() -> Int? {
        if window.hasPassed { (window, told) = (Deadline(milliseconds: Self.milliseconds), 0) }
        guard told < Self.most else {
            untold += 1
            return nil
        }
        told += 1
        defer { untold = 0 }
        return untold
    }
}
