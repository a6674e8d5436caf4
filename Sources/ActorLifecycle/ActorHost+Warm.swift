import ActorContract
import HostErrors
import Synchronization
import SystemLayer
import Telemetry

/// Warm slots: made ahead by `prepare`, handed to one Run or Restore each, filled again in the background.
extension ActorHost {
    private static let prepareMilliseconds: Int64 = 30_000

    /// Whether slots of this backend are kept warm.
    private func keepsWarm(_ described: BackendDescription, _ answer: ProbeAnswer) -> Bool {
        warm.size > 0 && described.verbs.contains(BackendVerb.prepare.rawValue) && answer.without["prepare"] == nil
    }

    /// A slot that fits, if one is ready; others are thrown away.
    ///
    /// - Parameters:
    ///   - serving: the revision that is to serve.
    ///   - probed: the circumstances.
    ///   - pauseImage: the request's.
    /// - Returns: nil when the verb begins in a cold slot.
    func takeWarm(_ serving: any ActorBackend, _ probed: Probed, pauseImage: String) -> WarmPool.Slot? {
        guard keepsWarm(serving.description, probed.answer) else { return nil }
        let (slot, useless) = warm.take(Self.stamp(probed, pauseImage))
        if let slot { forget(slot.name) }
        discard(useless)
        return slot
    }

    private static func stamp(_ probed: Probed, _ pauseImage: String) -> String { "\(probed.stamp) \(pauseImage)" }

    func discard(_ slots: [WarmPool.Slot]) {
        for slot in slots {
            forget(slot.name)
            logger.info("a warm slot is thrown away", ["slot": slot.name])
            Offload.later {
                try? self.removeSlot(slot.name)
                // The kill was sent; whoever is our child is reaped here.
                for handle in slot.handles { _ = handle.wait() }
            }
        }
    }

    /// Makes what is missing, in the background.
    ///
    /// One that fails is told once and tried again with the next verb that wants a slot.
    /// - Parameters:
    ///   - serving: the revision that prepares.
    ///   - probed: the circumstances.
    ///   - pauseImage: of the requests that it will be for.
    ///   - tries: how many at most; nil is one for each place, so that slots whose programs end at once are not made for
    ///     ever.
    func fillWarm(_ serving: any ActorBackend, _ probed: Probed, pauseImage: String, tries: Int? = nil) {
        let tries = tries ?? warm.size
        guard tries > 0, keepsWarm(serving.description, probed.answer), !draining.withLock({ $0 }) else { return }
        // What is made ahead of need is what a short machine can do without.
        guard !MemoryPressure.isShort() else { return relieve() }
        let stamp = Self.stamp(probed, pauseImage)
        let operation = Operation("prepare")
        guard warm.wants(stamp, operation) else { return }
        Offload.later {
            let slot = self.prepareSlot(serving, probed, pauseImage: pauseImage, stamp: stamp, operation)
            let isKept = self.warm.made(slot, operation)
            if let slot, !isKept { try? self.removeSlot(slot.name) }
            operation.end()
            guard isKept else { return }
            if let slot { self.watchWarm(slot) }
            self.fillWarm(serving, probed, pauseImage: pauseImage, tries: tries - 1)
        }
    }

    private func prepareSlot(
        _ serving: any ActorBackend,
        _ probed: Probed,
        pauseImage: String,
        stamp: String,
        _ operation: Operation
    ) -> WarmPool.Slot? {
        let name = Self.freshSlotName()
        let log = VerbLog(journal: journal, slot: name, verb: "prepare")
        do throws(HostError) {
            try makeSlot(name, for: serving.description, log: log)
            let files = try cached(probed.files, for: serving.description)
            var actor = slotActor(name, assets: files, by: serving.description)
            actor.probed = probed.answer.probed
            actor.pauseImage = pauseImage
            var request = VerbRequest()
            request.timeoutMilliseconds = Self.prepareMilliseconds
            let answer = try serving.perform(
                .prepare,
                actor: actor,
                request: request,
                log: log,
                cancellation: operation
            )
            let handles = answer.processes.compactMap { ProcessHandle.find(pid: $0.pid, startTime: $0.startTime) }
            logger.info("a slot is warm", ["slot": name, "plugin.name": serving.description.name])
            return WarmPool.Slot(
                name: name,
                stamp: stamp,
                prepared: answer.prepared,
                processes: answer.processes,
                handles: handles
            )
        } catch {
            logger.warning("a slot could not be prepared", ["slot": name, "error": error.message])
            try? removeSlot(name)
            return nil
        }
    }

    /// A slot whose program ends is of no use to anybody.
    private func watchWarm(_ slot: WarmPool.Slot) {
        let name = slot.name
        for handle in slot.handles {
            let ticket = try? exits.watch(handle) { [weak self] _ in
                guard let self, let dead = self.warm.drop(name) else { return }
                self.discard([dead])
            }
            guard let ticket else { continue }
            // Taken or dropped meanwhile: nobody will forget it later.
            if !warm.keep(ticket, of: name) { exits.forget(ticket) }
        }
    }

    private func forget(_ slot: String) { for ticket in warm.tickets(of: slot) { exits.forget(ticket) } }

    /// Prepares before the first request, where no request's assets are needed for it.
    public func warmUp() {
        guard warm.size > 0 || pauses.budget > 0 else { return }
        watchMemory()
        guard warm.size > 0 else { return }
        Offload.later {
            let serving = self.backend.newest()
            guard serving.description.requiredAssets.isEmpty,
                serving.description.verbs.contains(BackendVerb.prepare.rawValue)
            else { return }
            do throws(HostError) {
                let probed = try self.probe(serving, [:], cancellation: Operation("probe"))
                self.fillWarm(serving, probed, pauseImage: "")
            } catch {
                self.logger.warning("no slot is prepared yet", ["error": error.message])
            }
        }
    }

    /// Drops the oldest warm slot, or else the actor that was held first.
    private func relieve() {
        guard let oldest = warm.dropOldest() else { return dropOldestHeld() }
        logger.warning("memory is short: a warm slot is dropped", ["slot": oldest.name])
        discard([oldest])
    }

    /// Drops one warm slot or held actor after the other while the machine is short of memory.
    func watchMemory() {
        Task { [weak self] in
            while true {
                try? await Task.sleep(for: MemoryPressure.pause)
                guard let self, !self.draining.withLock({ $0 }) else { return }
                if MemoryPressure.isShort() { self.relieve() }
            }
        }
    }

    /// Throws all warm slots and held actors away, once what verbs have left is taken down; blocks.
    public func coolDown() async {
        for entry in registry.withLock({ Array($0.values) }) { await entry.waitForCleaning() }
        await dropAllHeld()
        let (slots, making) = warm.close()
        for operation in making { operation.cancel() }
        try? await Offload.run { () throws(HostError) in
            for slot in slots {
                self.forget(slot.name)
                try? self.removeSlot(slot.name)
                for handle in slot.handles { _ = handle.wait() }
            }
        }
        // One that was being made is removed by its maker.
        for operation in making { await operation.wait() }
    }
}
