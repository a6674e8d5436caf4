import ActorContract
import PluginProtocol

extension VerbAnswer {
    /// Reads the result of a verb that answered `ok`.
    ///
    /// - Parameters:
    ///   - checked: of the verb's shape.
    ///   - kept: the programs that outlive the verb.
    init(_ checked: PluginValue, kept: [KeptProcess]) {
        self.init()
        processes = kept
        guard case .map(let fields) = checked else { return }
        if let state = fields["state"] { self.state = ValueCodec.encode(state) }
        if case .text(let text)? = fields["address"] { address = text }
        if let table = fields["prepared"] { prepared = ValueCodec.encode(table) }
        isHeld = fields["held"] == .boolean(true)
        volumesSaved = fields["volumes_saved"] == .boolean(true)
        if case .integer(let memory)? = fields["memory_bytes"], case .integer(let cpu)? = fields["cpu_ns"],
            case .integer(let pids)? = fields["pids"]
        {
            statistics = ActorStatistics(memoryBytes: memory, cpuNanoseconds: cpu, pids: pids, source: .backend)
        }
        var probe = ProbeAnswer()
        if let table = fields["probed"] { probe.probed = ValueCodec.encode(table) }
        if case .integer(let milliseconds)? = fields["valid_ms"] { probe.validMilliseconds = milliseconds }
        if case .map(let reasons)? = fields["without"] {
            probe.without = reasons.compactMapValues { if case .text(let text) = $0 { text } else { nil } }
        }
        self.probe = probe
    }
}
