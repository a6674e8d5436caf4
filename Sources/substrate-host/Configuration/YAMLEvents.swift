import CYAML
import HostErrors

/// libyaml's event stream over bytes in memory.
// The pointers stay inside: no method hands one out.
@safe final class YAMLEvents {
    /// One event, copied out of libyaml's memory.
    struct Event {
        enum Kind {
            /// A scalar; plain when it was not quoted or a block.
            case scalar(String, isPlain: Bool)
            case listStart, listEnd, mapStart, mapEnd, alias, streamEnd
            /// Stream and document marks, which carry no value.
            case nothing
        }

        let kind: Kind
        /// From 1.
        let line: Int
        /// Whether a tag was written before the value.
        let hasTag: Bool
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Starts at the first event.
    ///
    /// - Parameter bytes: the whole file.
    init(_ bytes: [UInt8]) {
        // SAFETY: libyaml keeps the pointer to its input, so both live as long as this object and are freed in deinit.
        unsafe input = .allocate(capacity: max(1, bytes.count))
        _ = unsafe input.update(fromContentsOf: bytes)
        unsafe parser = .allocate(capacity: 1)
        // It fails only when memory is out; the first event then reports the error.
        unsafe yaml_parser_initialize(parser)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event.
    ///
    /// - Throws: invalid argument with the line and libyaml's words, when the text is no YAML.
    func next() throws(HostError) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) != 0 else { throw syntaxError() }
        defer { unsafe yaml_event_delete(&event) }
        let line = unsafe Int(event.start_mark.line) + 1
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let text = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length),
                as: UTF8.self
            )
            let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
            return unsafe Event(kind: .scalar(text, isPlain: isPlain), line: line, hasTag: scalar.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            return unsafe Event(kind: .listStart, line: line, hasTag: event.data.sequence_start.tag != nil)
        case YAML_MAPPING_START_EVENT:
            return unsafe Event(kind: .mapStart, line: line, hasTag: event.data.mapping_start.tag != nil)
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .listEnd, line: line, hasTag: false)
        case YAML_MAPPING_END_EVENT: return Event(kind: .mapEnd, line: line, hasTag: false)
        case YAML_ALIAS_EVENT: return Event(kind: .alias, line: line, hasTag: false)
        // After its end libyaml gives events of no type: the end again, so that no reader can spin.
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return Event(kind: .streamEnd, line: line, hasTag: false)
        default: return Event(kind: .nothing, line: line, hasTag: false)
        }
    }

    private func syntaxError() -> HostError {
        let words = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        // A reader's error (a control character, say) has no mark but an offset into the bytes.
        var line = unsafe Int(parser.pointee.problem_mark.line) + 1
        if unsafe parser.pointee.error == YAML_READER_ERROR {
            let offset = unsafe min(Int(parser.pointee.problem_offset), input.count)
            line = unsafe input[..<offset].count { $0 == UInt8(ascii: "\n") } + 1
        }
        return HostError(.invalidArgument, nil, "YAML line \(line): \(words)")
    }
}
