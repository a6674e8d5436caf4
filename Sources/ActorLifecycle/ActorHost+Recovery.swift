import ActorContract
public import HostErrors
import Snapshots
import Synchronization
import SystemLayer
import Telemetry

/// After a restart: every actor in the journal is found again or brought to an end.
extension ActorHost {
    /// Reads the journal, adopts what lives and cleans what does not.
    ///
    /// One bad actor cannot block the others.
    /// - Returns: how many were adopted, how many ended, and the keys of records that do not decode.
    /// - Throws: `dataLoss` when the journal cannot be read.
    public func recover() async throws(HostError) -> (adopted: Int, ended: Int, broken: [String]) {
        let boot = DebugSetting.bootID ?? Machine.bootID()
        let before = try journal.fact("boot.id").map { String(decoding: $0, as: UTF8.self) }
        let (records, broken) = try journal.actors()
        // Whoever fetched died with the last host.
        try? DirectoryTree.remove(fetchingDirectory)
        for key in broken { logger.error("a record does not decode and is left alone", ["actor.id": key]) }
        // What a broken record has nobody knows: then nothing is swept.
        if broken.isEmpty { sweepSlots(except: Set(records.compactMap(\.warmSlot))) }
        var found: [ActorEntry] = []
        for record in records {
            let entry = ActorEntry(record, changes: changes, everybody: watchers)
            registry.withLock { $0[entry.key] = entry }
            guard record.status.isLive || record.needsTeardown || record.status == .removing else {
                repeatOutside(entry)
                continue
            }
            found.append(entry)
        }
        let rebooted = before != nil && before != boot
        // Side by side: a script may take seconds to say whether its actor lives, and nobody is served before.
        let results = await withTaskGroup(of: Bool.self) { group in
            var next = found.makeIterator()
            for _ in 0..<Self.recoveredAtOnce {
                guard let entry = next.next() else { break }
                group.addTask { await self.recover(entry, rebooted: rebooted) }
            }
            var results: [Bool] = []
            while let result = await group.next() {
                results.append(result)
                if let entry = next.next() { group.addTask { await self.recover(entry, rebooted: rebooted) } }
            }
            return results
        }
        let adopted = results.count { $0 }
        let ended = results.count - adopted
        try FailPoint.reach("recover.boot.before")
        try journal.setFact("boot.id", [UInt8](boot.utf8))
        try FailPoint.reach("recover.boot.after")
        return (adopted, ended, broken)
    }

    /// How many actors are looked at, and their scripts asked, at a time.
    private static let recoveredAtOnce = 8

    /// - Returns: whether the actor is kept.
    private func recover(_ entry: ActorEntry, rebooted: Bool) async -> Bool {
        defer { if !entry.record.status.isLive { repeatOutside(entry) } }
        guard rebooted else { return await adopt(entry) }
        let record = entry.record
        if record.status.isLive {
            await end(entry, as: .failed, reason: .rebooted, message: "crashed: the machine restarted")
        } else {
            await end(entry, as: record.status, reason: record.reason, message: record.message)
        }
        return false
    }

    /// Verbs that end an actor's programs because somebody wants that.
    private static let stops: Set = ["stop", "remove", "terminate"]

    private func adopt(_ entry: ActorEntry) async -> Bool {
        let record = entry.record
        var handles: [String: ProcessHandle] = [:]
        for process in record.processes {
            if let handle = ProcessHandle.find(pid: process.pid, startTime: process.startTime), !handle.hasExited() {
                handles[process.name] = handle
            }
        }
        // A helper's end is only logged while the host runs, and so it is here: containers must all be there.
        let containers = Set(record.spec.containers.map(\.name))
        let needed = record.processes.filter { containers.contains($0.name) }
        let whole = !handles.isEmpty && needed.allSatisfy { handles[$0.name] != nil }
        let found = handles
        switch record.status {
        case .ready where asks(record, alive: found), .checkpointing where whole && asks(record, alive: found):
            return await confirm(entry, alive: found)
        case .ready where whole, .checkpointing where whole:
            entry.with { $0.handles = found }
            await reopenEgress(record)
            if record.status == .checkpointing {
                try? move(
                    entry,
                    to: .ready,
                    message: "a checkpoint was cut short by a restart of the host",
                    settled: true
                )
            }
            watchExits(entry)
            return true
        case .checkpointing:
            await finishCheckpoint(entry)
        case .ready where !((try? journal.unsettledVerbs(of: entry.key)) ?? []).isDisjoint(with: Self.stops):
            // Somebody had asked for this end, and the host was killed on the way.
            await end(entry, as: .stopped)
        case .ready:
            await end(entry, as: .failed, reason: .crashed, message: "its programs were gone when the host came back")
        case .created, .pulling, .starting, .restoring:
            await end(
                entry,
                as: .failed,
                reason: .`init`,
                message: "the host restarted while it was \(record.status.rawValue): run it again"
            )
        case .removing:
            let context = VerbContext(timeoutMilliseconds: 30_000)
            try? await remove(entry.key, context: context)
        default:
            await end(entry, as: record.status, reason: record.reason, message: record.message)
        }
        return false
    }

    /// Ends a checkpoint that was cut after its programs had ended.
    ///
    /// A snapshot of the volumes alone needs no program, so it is made now: the caller's retry finds it done.
    private func finishCheckpoint(_ entry: ActorEntry) async {
        let record = entry.record
        let directory = entry.key.directoryName
        var problem: String?
        do throws(HostError) {
            try await Offload.run { () throws(HostError) in
                if (try? self.snapshots.verified(actorDirectory: directory, name: record.snapshot)) != nil { return }
                guard record.snapshotScope == .data else {
                    throw HostError(.dataLoss, .snapshotCorrupt, "the memory of its programs is lost")
                }
                let files = self.directories(entry.key).checkpoint
                guard (try? DirectoryTree.names(in: files))?.isEmpty ?? true else {
                    throw HostError(.dataLoss, .snapshotCorrupt, "what its script had written may not be whole")
                }
                // Nobody may write while it is read.
                try self.teardown(record)
                try self.save(record, volumesSaved: false, withRoots: false)
            }
        } catch {
            problem = error.message
        }
        if let problem {
            await end(
                entry,
                as: .failed,
                reason: .crashed,
                message: "the host restarted in the middle of a checkpoint: \(problem)"
            )
        } else {
            await end(entry, as: .paused)
        }
    }
}
