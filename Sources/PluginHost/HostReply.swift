import ActorContract
import HostErrors
import PluginProtocol

/// What a handler answers.
struct HostReply {
    /// The first value.
    var status: PluginStatus
    /// The result, or the reason's text, and what follows.
    var values: [PluginValue]
    /// The program that the effect left running, for the journal.
    var process: KeptProcess?

    /// It is done.
    static func ok(_ values: PluginValue..., process: KeptProcess? = nil) -> HostReply {
        HostReply(status: .ok, values: values, process: process)
    }

    /// The call was right and the world said no.
    static func refused(_ status: PluginStatus, _ reason: String, _ details: PluginValue...) -> HostReply {
        HostReply(status: status, values: [.text(Self.clean(reason))] + details)
    }

    /// A reason is one line without NUL, of a length that one reads.
    private static func clean(_ reason: String) -> String {
        String(reason.prefix(1000).map { $0 == "\0" || $0.isNewline ? " " : $0 })
    }
}

/// Why a call has no answer.
enum HostFailure: Error {
    /// The author's mistake, which only the host could see: the verb ends in a trap.
    case mistake(ArgumentFault)
    /// The supervisor is not believed any further, or the host cannot go on.
    case fatal(HostError)
}
