import CLuaBridge

/// Ends the process with a trap that carries the script's position.
@safe
public struct LuaTrap: ~Copyable {
    private let state: OpaquePointer

    init(_ state: OpaquePointer) { unsafe self.state = state }

    /// Writes the trap frame and ends the process.
    ///
    /// - Parameters:
    ///   - code: such as `api.type`.
    ///   - message: what happened, one line.
    ///   - expected: what was expected; empty leaves the line out, as in all that follow.
    ///   - got: what came.
    ///   - mend: how to mend it.
    ///   - function: `workload.start@1`.
    public borrowing func callAsFunction(
        _ code: String,
        _ message: String,
        expected: String = "",
        got: String = "",
        mend: String = "",
        function: String = ""
    ) -> Never {
        unsafe clb_trap(
            state,
            leaked(code),
            leaked(message),
            leaked(expected),
            leaked(got),
            leaked(mend),
            leaked(function)
        )
    }
}

/// A text's bytes, never freed: the process ends in the call that takes them.
private func leaked(_ text: String) -> clb_text {
    let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
    _ = unsafe bytes.initialize(from: text.utf8)
    return unsafe clb_text(bytes: UnsafePointer(bytes.baseAddress), count: bytes.count)
}
