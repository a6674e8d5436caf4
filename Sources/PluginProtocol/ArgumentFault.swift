/// A mistake of a script's author: the parts of a trap's text.
public struct ArgumentFault: Error, Sendable, Equatable {
    /// A trap code, such as `api.type`.
    public var code: String
    /// What happened, one line, without the position.
    public var message: String
    /// What was expected; empty leaves the line out, as in all that follow.
    public var expected: String
    /// What came.
    public var got: String
    /// How to mend it.
    public var mend: String

    /// Makes one.
    public init(
        code: String = "api.type",
        message: String,
        expected: String = "",
        got: String = "",
        mend: String = ""
    ) {
        self.code = code
        self.message = message
        self.expected = expected
        self.got = got
        self.mend = mend
    }
}
