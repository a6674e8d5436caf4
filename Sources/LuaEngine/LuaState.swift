import CLuaBridge

/// Sole owner of one Lua state and of its budgets: one script, one verb.
///
/// A class and not a noncopyable struct: its traps never return, which Swift 6.3 cannot reconcile with a value to destroy.
///
/// A breach of any rule ends the process, so no method here reports one.
@safe
public final class LuaState {
    private let state: OpaquePointer
    private let box: Unmanaged<LuaContext>

    /// Makes a state; without memory for it the process ends.
    ///
    /// - Parameters:
    ///   - memory: bytes that Lua may hold.
    ///   - instructions: of the verb and of loading together.
    ///   - descriptor: the socket on which a trap is written.
    ///   - host: who answers; kept until the state is gone.
    public init(memory: Int, instructions: Int64, descriptor: CInt, host: any LuaHost) {
        let context = LuaContext(host)
        let box = unsafe Unmanaged.passRetained(context)
        unsafe self.box = unsafe box
        let callbacks = unsafe clb_host(
            context: box.toOpaque(),
            call: answerCall,
            log: answerLog,
            finish: answerFinish,
            error: answerError,
            release: answerRelease,
            missing: answerMissing
        )
        guard let state = unsafe clb_open(memory, instructions, descriptor, callbacks) else {
            preconditionFailure("no memory for a Lua state")
        }
        unsafe self.state = state
        unsafe context.state = state
    }

    deinit {
        unsafe clb_close(state)
        unsafe box.release()
    }

    /// The file's name, for messages.
    public func setFile(_ name: String) {
        unsafe lend(Array(name.utf8)) { unsafe clb_set_file(state, $0, $1) }
    }

    /// What a trap's last line says beside the code: the verb and the actor.
    public func setSubject(_ text: String) {
        unsafe lend(Array(text.utf8)) { unsafe clb_set_subject(state, $0, $1) }
    }

    /// Gives a module that the script may `require`; before `load`.
    ///
    /// - Parameters:
    ///   - name: what `require` is called with.
    ///   - source: Lua text.
    public func addLibrary(_ name: String, _ source: [UInt8]) {
        unsafe lend(Array(name.utf8)) { name, nameCount in
            unsafe lend(source) { unsafe clb_add_library(state, name, nameCount, $0, $1) }
        }
    }

    /// Loads and runs the script.
    ///
    /// - Parameter source: Lua text.
    /// - Returns: its table, encoded; functions are handles of all ones.
    public func load(_ source: [UInt8]) -> [UInt8] {
        unsafe lend(source) { unsafe clb_load(state, $0, $1) }
        var count = 0
        let bytes = unsafe clb_output(state, &count)
        return unsafe copied(bytes, count)
    }

    /// What the next load or verb may spend.
    ///
    /// - Parameters:
    ///   - memory: bytes that Lua may hold.
    ///   - instructions: from now on.
    ///   - loadMilliseconds: of processor time while the file loads; 0 for no such limit.
    public func limit(memory: Int, instructions: Int64, loadMilliseconds: Int64 = 0) {
        unsafe clb_limit(state, memory, instructions, loadMilliseconds)
    }

    /// The line that the next trap is about when no code runs; 0: none.
    public func setLine(_ line: Int) { unsafe clb_set_line(state, CInt(clamping: line)) }

    /// Makes a function appear on `host`; a name without a dot makes the module alone.
    ///
    /// - Parameters:
    ///   - name: `workload.start`.
    ///   - row: what its calls are known by.
    ///   - record: whether it takes one table.
    public func bind(_ name: String, row: UInt32 = 0, record: Bool = false) {
        unsafe lend(Array(name.utf8)) { unsafe clb_bind(state, $0, $1, row, record ? 1 : 0) }
    }

    /// From now on the file is one of tests; before `load`.
    ///
    /// `load` answers a list of `{ name, line }`, and `run` takes a test's number as its verb, from 1.
    public func setTests() { unsafe clb_set_tests(state) }

    /// Makes a method, or a property, of all handles of a kind of tests' things.
    ///
    /// - Parameters:
    ///   - kind: the kind's name, for messages.
    ///   - generation: the handles' own number of that kind.
    ///   - name: after the colon or the dot.
    ///   - row: what its calls are known by.
    ///   - isProperty: whether it is asked without a call.
    public func bindMethod(of kind: String, generation: UInt32, _ name: String, row: UInt32, isProperty: Bool) {
        unsafe lend(Array(kind.utf8)) { kind, kindCount in
            unsafe lend(Array(name.utf8)) { name, nameCount in
                unsafe clb_bind_method(state, kind, kindCount, name, nameCount, generation, row, isProperty ? 1 : 0)
            }
        }
    }

    /// Runs a verb of the loaded script.
    ///
    /// - Parameters:
    ///   - verb: the function's name.
    ///   - actor: encoded.
    ///   - request: encoded.
    /// - Returns: the status's bytes and the encoded result.
    public func run(_ verb: String, actor: [UInt8], request: [UInt8]) -> (status: [UInt8], result: [UInt8]) {
        unsafe lend(Array(verb.utf8)) { verb, verbCount in
            unsafe lend(actor) { actor, actorCount in
                unsafe lend(request) { request, requestCount in
                    unsafe clb_run(state, verb, verbCount, actor, actorCount, request, requestCount)
                }
            }
        }
        var count = 0
        let status = unsafe clb_status(state, &count)
        let statusBytes = unsafe copied(status, count)
        let result = unsafe clb_output(state, &count)
        return (statusBytes, unsafe copied(result, count))
    }

    /// Ends the process with a trap.
    public func trap(
        _ code: String,
        _ message: String,
        expected: String = "",
        got: String = "",
        mend: String = ""
    ) -> Never {
        unsafe LuaTrap(state)(code, message, expected: expected, got: got, mend: mend)
    }
}

/// What the callbacks get: the host and the state to trap on.
@safe
final class LuaContext {
    let host: any LuaHost
    var state: OpaquePointer?
    init(_ host: any LuaHost) { self.host = host }

    var trap: LuaTrap {
        // The state is set before any Lua runs, and callbacks come from Lua alone.
        guard let state = unsafe state else { preconditionFailure("a callback before the state was made") }
        return unsafe LuaTrap(state)
    }
}

private func lend(_ bytes: [UInt8], _ body: (UnsafePointer<UInt8>?, Int) -> Void) {
    unsafe bytes.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
}

private func copied(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
}

private func context(_ pointer: UnsafeMutableRawPointer?) -> LuaContext {
    guard let pointer = unsafe pointer else { preconditionFailure("a callback without its context") }
    return unsafe Unmanaged<LuaContext>.fromOpaque(pointer).takeUnretainedValue()
}

private func answerCall(
    _ pointer: UnsafeMutableRawPointer?,
    _ row: UInt32,
    _ arguments: UnsafePointer<UInt8>?,
    _ count: Int,
    _ line: UInt32
) {
    let context = unsafe context(pointer)
    let reply = context.host.call(
        row: row,
        arguments: unsafe copied(arguments, count),
        line: line,
        state: context.trap
    )
    unsafe lend(Array(reply.status.utf8)) { status, statusCount in
        unsafe lend(reply.values) { values, valuesCount in
            unsafe clb_set_reply(context.state, status, statusCount, values, valuesCount)
        }
    }
}

private func answerLog(
    _ pointer: UnsafeMutableRawPointer?,
    _ text: UnsafePointer<UInt8>?,
    _ count: Int,
    _ line: UInt32
) {
    unsafe context(pointer).host.log(unsafe copied(text, count), line: line)
}

private func answerFinish(
    _ pointer: UnsafeMutableRawPointer?,
    _ status: UnsafePointer<UInt8>?,
    _ statusCount: Int,
    _ value: UnsafePointer<UInt8>?,
    _ count: Int
) {
    let context = unsafe context(pointer)
    context.host.finish(
        status: unsafe copied(status, statusCount),
        value: unsafe copied(value, count),
        state: context.trap
    )
}

private func answerError(_ pointer: UnsafeMutableRawPointer?, _ text: UnsafePointer<UInt8>?, _ count: Int) {
    let context = unsafe context(pointer)
    context.host.uncaught(String(decoding: unsafe copied(text, count), as: UTF8.self), state: context.trap)
}

private func answerRelease(
    _ pointer: UnsafeMutableRawPointer?,
    _ index: UInt32,
    _ generation: UInt32,
    _ line: UInt32
) {
    unsafe context(pointer).host.release(index: index, generation: generation, line: line)
}

private func answerMissing(_ pointer: UnsafeMutableRawPointer?, _ name: UnsafePointer<UInt8>?, _ count: Int) {
    let context = unsafe context(pointer)
    context.host.missing(String(decoding: unsafe copied(name, count), as: UTF8.self), state: context.trap)
}
