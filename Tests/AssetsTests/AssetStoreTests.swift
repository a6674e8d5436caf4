import Foundation
import Glibc
import HostErrors
import Synchronization
import SystemLayer
import TestSupport
import Testing
import Transfer

@testable import Assets

private struct Pins: AssetPins {
    var digests: Set<String> = []
    var isBroken = false
    func pinnedAssets() throws(HostError) -> Set<String> {
        if isBroken { throw HostError(.internal, nil, "the journal is not there") }
        return digests
    }
}

@Suite struct AssetStoreTests {
    @Test("§11 C 23: concurrent first fetches are one download, counted")
    func singleFlight() async throws {
        let scratch = try Scratch()
        let (url, sha) = try scratch.source(String(repeating: "tool", count: 100_000))
        let cache = scratch.cache()
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await withCheckedThrowingContinuation { done in
                        Thread.detachNewThread {
                            done.resume(with: Result { try cache.ensure(name: "t", url: url, sha256: sha) })
                        }
                    }
                }
            }
            for try await path in group { #expect(path == cache.cachedAssetPath(sha)) }
        }
        #expect(cache.counters.misses == 1 && cache.counters.hits == 7)
        #expect(cache.counters.bytes == 400_000)
        #expect(try DirectoryTree.names(in: "\(scratch.path)/base/asset-locks") == [])
    }

    @Test("between processes: who waits for the lock finds the entry made")
    func processes() async throws {
        let scratch = try Scratch()
        let (url, sha) = try scratch.source("tool")
        let (one, two) = (scratch.cache(), scratch.cache())
        let lock = try AssetLock(sha, in: one.locks)
        let isDone = Mutex(false)
        async let path = withCheckedThrowingContinuation { (done: CheckedContinuation<String, any Error>) in
            Thread.detachNewThread {
                done.resume(
                    with: Result {
                        defer { isDone.withLock { $0 = true } }
                        return try two.ensure(name: "t", url: url, sha256: sha)
                    }
                )
            }
        }
        // The other makes it, and only then lets go.
        _ = try one.publish(sha) { (file: DownloadFile) throws(HostError) in try file.append(Array("tool".utf8)) }
        #expect(isDone.withLock { $0 } == false)
        try DirectoryTree.remove("\(scratch.path)/root")
        _ = consume lock
        #expect(try await path == one.cachedAssetPath(sha))
        #expect(
            two.counters
                == {
                    var counters = AssetCounters(); counters.hits = 1; return counters
                }()
        )
    }

    @Test("who gives up ends its own fetch alone: another that waited for it begins its own")
    func givenUp() throws {
        let body = Array(String(repeating: "tool", count: 50_000).utf8)
        let held = DispatchSemaphore(value: 0)
        // Who asks first is not answered.
        let server = try FaultServer { request in
            if request.earlier == 0 { held.wait() }
            return answer(200, [], body)
        }
        defer {
            held.signal()
            server.stop()
        }
        let scratch = try Scratch()
        var settings = AssetSettings()
        settings.origins = [try TrustedOrigin(server.base)]
        let cache = AssetCache(baseDirectory: "\(scratch.path)/base", settings: settings)
        let sha = SHA256.hex(of: body)
        let isGivenUp = Mutex(false)
        let results = Mutex<[String]>([])
        let ended = DispatchSemaphore(value: 0)
        let url = "\(server.base)/tool"
        @Sendable func fetch(_ name: String, _ isCancelled: @escaping @Sendable () -> Bool) {
            Thread.detachNewThread {
                let said: String
                do throws(HostError) {
                    said = try cache.ensure(name: name, url: url, sha256: sha, isCancelled: isCancelled)
                } catch { said = "\(error.code)" }
                results.withLock { $0.append("\(name) \(said)") }
                ended.signal()
            }
        }
        fetch("first") { isGivenUp.withLock { $0 } }
        while server.requests.isEmpty { usleep(1000) }
        fetch("second") { false }
        isGivenUp.withLock { $0 = true }
        for _ in 0..<2 { #expect(ended.wait(timeout: .now() + 60) == .success) }
        let said = results.withLock { $0 }.sorted()
        #expect(said == ["first cancelled", "second \(cache.cachedAssetPath(sha))"])
    }

    @Test("those that waited for an attempt that failed share its error")
    func sharedFailure() throws {
        let flights = SingleFlight()
        let attempts = Mutex(0)
        let arrived = DispatchSemaphore(value: 0)
        @Sendable func attempt() -> HostError? {
            arrived.signal()
            do throws(HostError) {
                try flights.run("k", attempt: "u") { () throws(HostError) in
                    attempts.withLock { $0 += 1 }
                    // All eight have come, or will find the gate closed.
                    for _ in 0..<8 { _ = arrived.wait(timeout: .now() + 20) }
                    usleep(20_000)
                    throw HostError(.unavailable, nil, "down")
                }
            } catch { return error }
            return nil
        }
        let ended = DispatchSemaphore(value: 0)
        let errors = Mutex<[HostError?]>([])
        for _ in 0..<8 {
            Thread.detachNewThread {
                let error = attempt()
                errors.withLock { $0.append(error) }
                ended.signal()
            }
        }
        for _ in 0..<8 { #expect(ended.wait(timeout: .now() + 60) == .success) }
        #expect(errors.withLock { $0.map { $0?.message } } == [String](repeating: "down", count: 8))
        #expect(attempts.withLock { $0 } == 1)
        #expect(throws: HostError.self) {
            try flights.run("k", attempt: "u") { () throws(HostError) in
                attempts.withLock { $0 += 1 }
                throw HostError(.unavailable, nil, "down")
            }
        }
        #expect(attempts.withLock { $0 } == 2)
    }

    @Test("a hit is noticed to be other bytes by its stamp, put aside, and fetched again")
    func quarantine() throws {
        let scratch = try Scratch()
        let (url, sha) = try scratch.source("good")
        let cache = scratch.cache()
        let path = try cache.ensure(name: "t", url: url, sha256: sha)
        try AtomicFile.write(Array("evil".utf8), to: path)
        #expect(try cache.ensure(name: "t", url: url, sha256: sha) == path)
        #expect(try SHA256.hex(ofFile: path) == sha)
        let aside = try DirectoryTree.names(in: "\(scratch.path)/base/asset-quarantine")
        #expect(aside.count == 1 && aside[0].hasPrefix(sha))
        #expect(TextFile.read("\(scratch.path)/base/asset-quarantine/\(aside[0])") == "evil")
        #expect(cache.counters.quarantined == 1 && cache.counters.misses == 2)
        for _ in 0..<6 {
            try AtomicFile.write(Array("evil".utf8), to: path)
            _ = try cache.ensure(name: "t", url: url, sha256: sha)
        }
        #expect(try DirectoryTree.names(in: "\(scratch.path)/base/asset-quarantine").count == 4)
    }

    @Test("a directory in an entry's place is put aside, too")
    func directory() throws {
        let scratch = try Scratch()
        let (url, sha) = try scratch.source("good")
        let cache = scratch.cache()
        try DirectoryTree.make("\(cache.cachedAssetPath(sha))/in")
        #expect(try SHA256.hex(ofFile: cache.ensure(name: "t", url: url, sha256: sha)) == sha)
    }

    @Test("verify hashes every entry whole, also where size and time are as before")
    func verify() throws {
        let scratch = try Scratch()
        let cache = scratch.cache()
        var digests: [String] = []
        for text in ["one", "two"] {
            let (url, sha) = try scratch.source(text, "in/\(text)")
            _ = try cache.ensure(name: "t", url: url, sha256: sha)
            digests.append(sha)
        }
        let path = cache.cachedAssetPath(digests[0])
        var before = stat()
        #expect(unsafe lstat(path, &before) == 0)
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
        try writeAll(Array("eno".utf8), to: file)
        close(file)
        let times = [before.st_atim, before.st_mtim]
        #expect(unsafe utimensat(AT_FDCWD, path, times, 0) == 0)
        let found = try cache.verify()
        #expect(found.corrupt == [digests[0]] && found.whole == [digests[1]])
        #expect(try cache.verify().whole == [digests[1]])
    }

    @Test("the budget: longest unused first; not the pinned, not the young, not on a guess")
    func budget() throws {
        let scratch = try Scratch()
        let cache = scratch.cache()
        var digests: [String] = []
        for (age, text) in [(9000, "aaaa"), (8000, "bbbb"), (7000, "cccc"), (10, "dddd")] {
            let (url, sha) = try scratch.source(text, "in/\(text)")
            _ = try cache.ensure(name: "t", url: url, sha256: sha)
            AssetCache.touch(cache.cachedAssetPath(sha), at: AssetCache.now() - Int64(age))
            digests.append(sha)
        }
        // Another process: it knows the uses from the disk alone.
        let other = scratch.cache()
        other.keep(Pins(digests: [digests[0].uppercased()]))
        let trial = try other.collect(budgetBytes: 12, isTrial: true)
        #expect(trial.removed == [digests[1]])
        #expect(try other.entries().count == 4)
        #expect(try other.entries().first { $0.sha256 == digests[0] }?.isPinned == true)
        let some = try other.collect(budgetBytes: 12)
        #expect(some.removed == [digests[1]] && some.removedBytes == 4 && some.keptBytes == 12)
        let all = try other.collect(budgetBytes: 0)
        #expect(all.removed == [digests[2]] && all.heldBytes == 8)
        #expect(try other.entries().map(\.sha256) == [digests[0], digests[3]].sorted())
        #expect(other.counters.evicted == 2)
        other.keep(Pins(isBroken: true))
        #expect(throws: HostError.self) { try other.collect(budgetBytes: 0, minimumAgeSeconds: 0) }
        #expect(try DirectoryTree.names(in: "\(scratch.path)/base/static-files").count == 2)
    }

    @Test("a fetch over the budget makes room by itself")
    func makesRoom() throws {
        let scratch = try Scratch()
        var settings = AssetSettings()
        settings.roots = ["\(scratch.path)/root"]
        settings.budgetBytes = 4
        settings.minimumAgeSeconds = 60
        let cache = AssetCache(baseDirectory: "\(scratch.path)/base", settings: settings)
        let (url, sha) = try scratch.source("old!")
        let path = cache.cachedAssetPath(sha)
        _ = try scratch.cache().ensure(name: "t", url: url, sha256: sha)
        AssetCache.touch(path, at: AssetCache.now() - 3600)
        let (newURL, newSHA) = try scratch.source("new!", "in/new")
        _ = try cache.ensure(name: "t", url: newURL, sha256: newSHA)
        #expect(try scratch.entries() == ["runsc-\(newSHA)"])
    }

    @Test("what another process is making is no debris")
    func sweepSpares() throws {
        let scratch = try Scratch()
        let cache = scratch.cache()
        let sha = String(repeating: "a", count: 64)
        try DirectoryTree.make("\(scratch.path)/base/static-files")
        let debris = "\(scratch.path)/base/static-files/runsc-\(sha)-download-1-2"
        try AtomicFile.write([1], to: debris)
        do {
            let lock = try AssetLock(sha, in: cache.locks)
            _ = scratch.cache()
            #expect(unsafe access(debris, F_OK) == 0)
            withExtendedLifetime(lock) {}
        }
        _ = scratch.cache()
        #expect(unsafe access(debris, F_OK) != 0)
    }
}
