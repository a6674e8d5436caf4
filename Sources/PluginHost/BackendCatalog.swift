public import ActorContract
public import HostErrors
public import PluginOverlays
import Synchronization
import SystemLayer
public import Telemetry
import Threads

/// The backend that serves, as its script changes: the next Run takes what was saved, a live actor keeps what it has.
///
/// A save that is wrong changes nothing but how the name is listed: the last good revision serves on.
public final class BackendCatalog: ActorBackend {
    /// One name as `backends` lists it.
    public struct Listed: Sendable {
        /// The file that serves, or, of a broken one, the file that cannot.
        public let entry: PluginEntry
        /// What the script says that it is; nil when it is broken.
        public let description: BackendDescription?
        /// Why the file as saved is not served; nil when it is.
        public let problem: String?
        /// `ok`, `stale` (an earlier save serves) or `broken` (nothing does).
        public var state: String { problem == nil ? "ok" : description == nil ? "broken" : "stale" }
    }

    private struct Good {
        var entry: PluginEntry
        let backend: any ActorBackend
    }
    private struct Problem: Equatable {
        let entry: PluginEntry?
        let text: String
    }
    private struct State {
        var good: [String: Good] = [:]
        var problems: [String: Problem] = [:]
        /// What `revision` gave, by digest.
        var revisions: [String: any ActorBackend] = [:]
        var index: PluginIndex
        var areAllDescribed = false
    }

    private let name: String
    private let sources: [PluginSource]
    private let scan: @Sendable (PluginIndex) throws(HostError) -> PluginIndex
    private let make: @Sendable (PluginEntry) throws(HostError) -> any ActorBackend
    private let store: RevisionStore
    private let logger: Logger
    /// Nil where the machine has no more of them: then every Run reads the files.
    private let watch: SourceWatch?
    private let first: any ActorBackend
    private let state: Mutex<State>
    /// Who changes `state` after reading files; readers do not wait for it.
    private let turn = Mutex(())

    /// Loads the backend that is to be served.
    ///
    /// - Parameters:
    ///   - name: the backend's.
    ///   - index: the files as found.
    ///   - sources: where they were found, in order.
    ///   - scan: finds them again, given what was found last.
    ///   - make: makes a backend of a script, with the operator's grants.
    ///   - store: keeps what actors were started with.
    ///   - logger: told what changed.
    /// - Throws: what is wrong with the script, or `notFound`.
    public init(
        name: String,
        index: PluginIndex,
        sources: [PluginSource],
        scan: @escaping @Sendable (PluginIndex) throws(HostError) -> PluginIndex,
        make: @escaping @Sendable (PluginEntry) throws(HostError) -> any ActorBackend,
        store: RevisionStore,
        logger: Logger
    ) throws(HostError) {
        guard let entry = index[name] else { throw HostError(.notFound, .plugin, "no backend \"\(name)\"") }
        let backend = try make(entry)
        self.name = name
        self.sources = sources
        self.scan = scan
        self.make = make
        self.store = store
        self.logger = logger
        first = backend
        state = Mutex(State(good: [name: Good(entry: entry, backend: backend)], index: index))
        do throws(SyscallError) {
            let watch = try SourceWatch()
            _ = watch.watch(index.directories, roots: sources.map(\.directory))
            self.watch = watch
        } catch {
            logger.warning("overlays are not watched: every Run reads the files", ["error": "\(error)"])
            watch = nil
        }
    }

    /// Follows the files on a thread of its own until `close`.
    public func follow() {
        guard let watch else { return }
        do throws(SyscallError) {
            try startThread("overlays") { [self] in
                // What was saved between the scan and the watch has no event: once it is read again, all is seen.
                update(always: true)
                while watch.wait() { update(always: false) }
            }
        } catch {
            logger.warning("overlays are not watched: a save is seen by the next Run", ["error": "\(error)"])
        }
    }

    /// Ends the following.
    public func close() { watch?.close() }

    /// The last good revision's.
    public var description: BackendDescription { current.description }

    private var current: any ActorBackend { state.withLock { $0.good[name]?.backend } ?? first }

    /// The last good revision's.
    public func circumstances() -> String { current.circumstances() }

    /// What the last good revision wants.
    public func admit() throws(HostError) { try current.admit() }

    /// The revision that the files say now, if it is good.
    public func newest() -> any ActorBackend {
        update(always: watch == nil)
        guard let good = state.withLock({ $0.good[name] }) else { return first }
        do throws(HostError) { try store.keep(good.entry) } catch {
            // The actor runs; only a host that is started anew would not know how to checkpoint it.
            logger.error("a revision is not kept over a restart", ["plugin.name": name, "error": error.message])
        }
        return good.backend
    }

    /// A revision that an actor was started with, however long ago.
    public func revision(_ sha256: String) throws(HostError) -> any ActorBackend {
        let known = state.withLock { state -> (any ActorBackend)? in
            if let good = state.good[name], good.entry.revision == sha256 { return good.backend }
            return state.revisions[sha256]
        }
        if let known { return known }
        guard let entry = store.entry(sha256) else {
            throw HostError(
                .failedPrecondition,
                .plugin,
                "the actor was started with revision \(sha256.prefix(12)) of backend \"\(name)\", which is not in \(store.directory): stop it and run it again"
            )
        }
        let backend = try make(entry)
        state.withLock { $0.revisions[sha256] = backend }
        return backend
    }

    /// Performs a verb with the last good revision.
    public func perform(
        _ verb: BackendVerb,
        actor: PreparedActor,
        request: VerbRequest,
        log: any EffectLog,
        cancellation: any VerbCancellation
    ) throws(HostError) -> VerbAnswer {
        try current.perform(verb, actor: actor, request: request, log: log, cancellation: cancellation)
    }

    /// Every name that was found, sorted; each script is loaded once a revision.
    public func listed() -> [Listed] {
        update(always: watch == nil || !state.withLock { $0.areAllDescribed })
        return state.withLock { state in
            var all: [String: Listed] = [:]
            for (name, good) in state.good {
                all[name] = Listed(
                    entry: good.entry,
                    description: good.backend.description,
                    problem: state.problems[name]?.text
                )
            }
            for (name, problem) in state.problems where all[name] == nil {
                guard let entry = problem.entry else { continue }
                all[name] = Listed(entry: entry, description: nil, problem: problem.text)
            }
            return all.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    /// Reads the files again if one was saved.
    private func update(always: Bool) {
        turn.withLock { _ in
            guard (watch?.takeChange() ?? true) || always else { return }
            do throws(HostError) {
                var index = try scan(state.withLock { $0.index })
                // A directory that is new may hold what was saved before it was watched.
                while watch?.watch(index.directories, roots: sources.map(\.directory)) == true {
                    index = try scan(index)
                }
                take(index)
            } catch {
                logger.warning("overlays cannot be read; the last good revisions serve on", ["error": error.message])
            }
        }
    }

    private func take(_ index: PluginIndex) {
        let before = state.withLock { $0 }
        for entry in index.entries { take(entry, before: before) }
        for (name, good) in before.good where index[name] == nil {
            if name == self.name {
                report(name, Problem(entry: nil, text: "\(good.entry.path) is gone"), before: before)
            } else {
                forget(name)
                logger.notice("backend is gone", ["plugin.name": name, "plugin.path": good.entry.path])
            }
        }
        for name in before.problems.keys where before.good[name] == nil && index[name] == nil { forget(name) }
        state.withLock { state in
            state.index = index
            state.areAllDescribed = true
        }
    }

    private func forget(_ name: String) {
        state.withLock { state in
            state.good[name] = nil
            state.problems[name] = nil
        }
    }

    private func take(_ entry: PluginEntry, before: State) {
        let good = before.good[entry.name]
        if let good, good.entry.revision == entry.revision, !entry.isBroken {
            state.withLock { state in
                // It may be elsewhere now, or shadow other files.
                state.good[entry.name]?.entry = entry
                if state.problems.removeValue(forKey: entry.name) == nil { return }
                logger.notice("backend is as before", ["plugin.name": entry.name, "plugin.path": entry.path])
            }
            return
        }
        if let problem = before.problems[entry.name], problem.entry == entry { return }
        do throws(HostError) {
            if case .broken(let cause) = entry.state { throw HostError(.failedPrecondition, .plugin, cause) }
            let backend = try make(entry)
            state.withLock { state in
                // Actors that are live with it ask for it by its digest.
                if let good { state.revisions[good.entry.revision] = good.backend }
                state.good[entry.name] = Good(entry: entry, backend: backend)
                state.problems[entry.name] = nil
            }
            guard let good else {
                if before.areAllDescribed {
                    logger.notice("backend is new", ["plugin.name": entry.name, "plugin.path": entry.path])
                }
                return
            }
            let differences = backend.description.differences(from: good.backend.description)
            logger.notice(
                "backend changed",
                [
                    "plugin.name": entry.name, "plugin.path": entry.path,
                    "sha256.before": good.entry.revision, "sha256.after": entry.revision,
                    "differences": differences.isEmpty ? "(none in what it declares)" : differences,
                ]
            )
        } catch {
            report(entry.name, Problem(entry: entry, text: error.message), before: before)
        }
    }

    private func report(_ name: String, _ problem: Problem, before: State) {
        guard before.problems[name] != problem else { return }
        state.withLock { $0.problems[name] = problem }
        guard let good = before.good[name] else {
            if before.areAllDescribed {
                logger.warning("backend is broken", ["plugin.name": name, "error": problem.text])
            }
            return
        }
        logger.warning(
            "backend is stale: its last good revision serves on",
            ["plugin.name": name, "sha256.serving": good.entry.revision, "error": problem.text]
        )
    }
}
