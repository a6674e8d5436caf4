public import HostErrors

extension HostMessages {
    /// Asks for a program inside an actor.
    public struct ExecRequest: HostMessage, HostMessageFields {
        /// Its name or key.
        public var actor: String = ""
        /// Empty = the first.
        public var container: String = ""
        /// The program and its arguments.
        public var command: [String] = []
        /// Whether it has a terminal.
        public var tty: Bool = false
        /// The terminal's lines.
        public var rows: Int64 = 0
        /// The terminal's characters in a line.
        public var columns: Int64 = 0
        /// Makes one.
        public init(
            actor: String = "",
            container: String = "",
            command: [String] = [],
            tty: Bool = false,
            rows: Int64 = 0,
            columns: Int64 = 0
        ) {
            self.actor = actor
            self.container = container
            self.command = command
            self.tty = tty
            self.rows = rows
            self.columns = columns
        }

        init(_ from: WireMessage) {
            actor = from.string("actor")
            container = from.string("container")
            command = from.strings("command")
            tty = from.integer("tty") != 0
            rows = from.integer("rows")
            columns = from.integer("columns")
        }

        func fill(_ out: inout WireMessage) {
            out.add("actor", actor)
            out.add("container", container)
            out.add("command", command)
            out.add("tty", tty)
            out.add("rows", rows)
            out.add("columns", columns)
        }

        static var schema: MessageSchema { .execRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// What comes from the program.
    public struct ExecEvent: HostMessage, HostMessageFields {
        /// Its name for input; in the first event alone.
        public var id: String = ""
        /// It printed.
        public var stdout: [UInt8] = []
        /// It complained.
        public var stderr: [UInt8] = []
        /// Whether it is the last event.
        public var ended: Bool = false
        /// With what it ended.
        public var exitCode: Int64 = 0
        /// Makes one.
        public init(
            id: String = "",
            stdout: [UInt8] = [],
            stderr: [UInt8] = [],
            ended: Bool = false,
            exitCode: Int64 = 0
        ) {
            self.id = id
            self.stdout = stdout
            self.stderr = stderr
            self.ended = ended
            self.exitCode = exitCode
        }

        init(_ from: WireMessage) {
            id = from.string("id")
            stdout = from.bytes("stdout")
            stderr = from.bytes("stderr")
            ended = from.integer("ended") != 0
            exitCode = from.integer("exit_code")
        }

        func fill(_ out: inout WireMessage) {
            out.add("id", id)
            out.add("stdout", .bytes(stdout))
            out.add("stderr", .bytes(stderr))
            out.add("ended", ended)
            out.add("exit_code", exitCode)
        }

        static var schema: MessageSchema { .execEvent }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// What goes to the program.
    public struct ExecInputRequest: HostMessage, HostMessageFields {
        /// Of the first event.
        public var id: String = ""
        /// What it reads.
        public var data: [UInt8] = []
        /// Whether nothing comes after that.
        public var end: Bool = false
        /// A signal to pass on; 0 = none.
        public var signal: Int64 = 0
        /// The terminal's new lines; 0 = as before.
        public var rows: Int64 = 0
        /// The terminal's new characters in a line.
        public var columns: Int64 = 0
        /// Makes one.
        public init(
            id: String = "",
            data: [UInt8] = [],
            end: Bool = false,
            signal: Int64 = 0,
            rows: Int64 = 0,
            columns: Int64 = 0
        ) {
            self.id = id
            self.data = data
            self.end = end
            self.signal = signal
            self.rows = rows
            self.columns = columns
        }

        init(_ from: WireMessage) {
            id = from.string("id")
            data = from.bytes("data")
            end = from.integer("end") != 0
            signal = from.integer("signal")
            rows = from.integer("rows")
            columns = from.integer("columns")
        }

        func fill(_ out: inout WireMessage) {
            out.add("id", id)
            out.add("data", .bytes(data))
            out.add("end", end)
            out.add("signal", signal)
            out.add("rows", rows)
            out.add("columns", columns)
        }

        static var schema: MessageSchema { .execInputRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// It was taken.
    public struct ExecInputResponse: HostMessage, HostMessageFields {
        /// Makes one.
        public init() {
        }

        init(_ from: WireMessage) {
        }

        func fill(_ out: inout WireMessage) {
        }

        static var schema: MessageSchema { .execInputResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }
}
