public import HostErrors

extension HostMessages {
    /// Asks what the host has counted.
    public struct MetricsRequest: HostMessage, HostMessageFields {
        /// Makes one.
        public init() {
        }

        init(_ from: WireMessage) {
        }

        func fill(_ out: inout WireMessage) {
        }

        static var schema: MessageSchema { .metricsRequest }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }

    /// What it has counted since it began.
    public struct MetricsResponse: HostMessage, HostMessageFields {
        /// As Prometheus reads it: the text format, version 0.0.4.
        public var text: String = ""
        /// Makes one.
        public init(text: String = "") {
            self.text = text
        }

        init(_ from: WireMessage) {
            text = from.string("text")
        }

        func fill(_ out: inout WireMessage) {
            out.add("text", text)
        }

        static var schema: MessageSchema { .metricsResponse }

        /// Decodes one.
        public init(decoding bytes: [UInt8]) throws(HostError) {
            self.init(try WireDecoder.decode(bytes, as: Self.schema))
        }

        /// The message's bytes.
        public func encoded() -> [UInt8] { wire.encoded() }
    }
}
