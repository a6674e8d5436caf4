import ActorContract
import SystemLayer

/// TERM, wait, KILL: written once, since everybody writes it wrongly.
enum ProcessStop {
    /// Ends programs and everything they left.
    ///
    /// - Parameters:
    ///   - processes: each the PID 1 of its namespace, so that its end is the end of all below it.
    ///   - graceMilliseconds: between TERM and KILL.
    ///   - deadline: the verb's; the grace is cut to it.
    /// - Returns: whether all were gone when it returned.
    static func perform(_ processes: [KeptProcess], graceMilliseconds: Int64, deadline: ContinuousClock.Instant) -> Bool
    {
        // Each once: a script may name one program ten thousand times, and each handle is a descriptor.
        let once = processes.reduce(into: [KeptProcess]()) { if !$0.contains($1) { $0.append($1) } }
        let handles = once.compactMap { ProcessHandle.find(pid: $0.pid, startTime: $0.startTime) }
        for handle in handles { _ = handle.signal(15) }
        let graceEnd = min(deadline, ContinuousClock.now + .milliseconds(graceMilliseconds))
        for handle in handles where !ended(handle, until: graceEnd) { _ = handle.signal(9) }
        // A killed program that is not in uninterruptible sleep is gone at once; 5 s tell the two apart.
        let last = ContinuousClock.now + .seconds(5)
        return handles.allSatisfy { ended($0, until: last) }
    }

    private static func ended(_ handle: ProcessHandle, until deadline: ContinuousClock.Instant) -> Bool {
        let left = deadline - ContinuousClock.now
        let milliseconds = max(0, left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000)
        guard (try? waitReadable(handle.pollDescriptor, milliseconds: milliseconds)) == true else { return false }
        // Whoever is our child is reaped; an adopted one has another reaper.
        _ = handle.wait()
        return true
    }
}
