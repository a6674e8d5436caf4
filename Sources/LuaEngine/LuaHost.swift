/// What Lua asks of its owner, one question at a time, from within a run of the state.
///
/// Nothing here may keep what it gets, and nothing here may run Lua.
public protocol LuaHost: AnyObject {
    /// A host function was called.
    ///
    /// - Parameters:
    ///   - row: as bound.
    ///   - arguments: an encoded list.
    ///   - line: the script's line.
    ///   - state: only to trap.
    /// - Returns: the status and an encoded list of values.
    func call(row: UInt32, arguments: [UInt8], line: UInt32, state: borrowing LuaTrap) -> LuaReply
    /// A block was left whose variable held this handle, as `local p <close> = …` does.
    ///
    /// - Parameters:
    ///   - index: the handle's place.
    ///   - generation: how often that place was used before.
    ///   - line: the script's line.
    func release(index: UInt32, generation: UInt32, line: UInt32)
    /// The script printed a line.
    func log(_ text: [UInt8], line: UInt32)
    /// The script ended its verb by `try`.
    func finish(status: [UInt8], value: [UInt8], state: borrowing LuaTrap) -> Never
    /// An error that nobody caught: its text without the position.
    func uncaught(_ message: String, state: borrowing LuaTrap) -> Never
    /// `host` has no such name in this verb.
    func missing(_ name: String, state: borrowing LuaTrap) -> Never
}

/// What a host function answered, encoded.
public struct LuaReply {
    /// The status's text; empty for a function that answers none.
    public var status: String
    /// An encoded list.
    public var values: [UInt8]
    /// Makes one.
    public init(status: String, values: [UInt8]) {
        self.status = status
        self.values = values
    }
}
