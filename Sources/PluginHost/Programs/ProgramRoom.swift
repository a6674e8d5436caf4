package import ActorContract
package import SystemLayer

/// Where the programs of one verb run: this machine's tool room, or the data of an author's test.
///
/// Used by the verb's thread alone.
package protocol ProgramRoom: AnyObject {
    /// Starts a program.
    ///
    /// - Parameters:
    ///   - spec: what and how.
    ///   - line: the script's.
    /// - Returns: the program, which runs.
    /// - Throws: why it does not.
    func start(_ spec: ProgramSpec, line: UInt32) throws(ProgramFailure) -> HeldProcess
    /// Starts a program inside a container that runs.
    func enter(_ entry: ContainerEntry, line: UInt32) throws(ProgramFailure) -> HeldProcess
    /// Shows the programs of this verb from now on the containers' files with the owners of a user namespace.
    ///
    /// - Parameter first: the machine's id that is 0 inside; nil: as they are, without one.
    /// - Returns: false when a program saw them otherwise already.
    func shift(to first: UInt32?) -> Bool
    /// Waits for a program's end, and takes its output meanwhile.
    func waitForEnd(
        of process: HeldProcess,
        until deadline: ContinuousClock.Instant,
        _ interrupt: VerbInterrupt
    ) -> VerbInterrupt.Outcome
    /// Takes a program's output from now on while the script does other things.
    func follow(_ process: HeldProcess)
    /// Forgets a program that has ended, unless it left others behind, which end with the verb.
    func letGo(_ process: HeldProcess)
    /// Finds a program that another one left behind, and holds it.
    ///
    /// - Parameters:
    ///   - source: where it is named.
    ///   - name: the script's for it.
    /// - Returns: the program, with what is to be kept of it.
    /// - Throws: why it cannot be taken over.
    func adopt(_ source: AdoptionSource, name: String) throws(AdoptionFailure) -> HeldProcess
    /// Moves a found program out of what ends with the verb.
    func takeOver(_ process: HeldProcess) throws(AdoptionFailure) -> HeldProcess
    /// Kills a program and all that it left, and waits until it is gone.
    func end(_ process: HeldProcess)
    /// Ends all that this verb started and nobody keeps, with all that those left.
    ///
    /// - Parameters:
    ///   - kept: what outlives the verb.
    ///   - client: the program that the caller's streams belong to.
    /// - Returns: the programs that ran on without anybody having waited for them.
    @discardableResult
    func finish(keeping kept: [KeptProcess], client: KeptProcess?) -> [LeakedProgram]
}

/// A program that a verb started, did not keep and never waited for.
package struct LeakedProgram: Sendable, Equatable {
    /// Its name in messages.
    package let name: String
    /// The script's line that started it.
    package let line: UInt32
    /// `vmm (line 13)`.
    func words(_ place: ScriptPlaces) -> String { "\(name) (line \(place.label(line)))" }

    /// Names one.
    package init(name: String, line: UInt32) { (self.name, self.line) = (name, line) }
}

/// Whose programs they are, and what may be had for them.
package struct RoomPlace: Sendable {
    /// The actor.
    package let actor: PreparedActor
    /// What the verb is asked.
    package let request: VerbRequest
    /// Its name.
    package let verb: String
    /// The host's own programs.
    package let companions: Companions
    /// Where cgroups are.
    package let layout: CgroupLayout
    /// What the operator granted.
    package let grants: Grants
    /// The files that hold the operator's secrets for this script.
    package var secrets: [String] = []
}
