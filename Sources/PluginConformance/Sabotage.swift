import ActorContract

/// What a runtime may do wrong below a script: the tests show by it that a check fails where it must.
struct Sabotage: Sendable {
    /// Changes what the script is given.
    var actor: @Sendable (BackendVerb, inout PreparedActor) -> Void = { _, _ in }
    /// Sees and changes what it answered.
    var answer: @Sendable (BackendVerb, inout VerbAnswer) -> Void = { _, _ in }
    /// Done whenever a Run or a Restore asks which revision serves.
    var newest: @Sendable () -> Void = {}
    /// Changes what the script says that it is.
    var description: @Sendable (inout BackendDescription) -> Void = { _ in }
}
