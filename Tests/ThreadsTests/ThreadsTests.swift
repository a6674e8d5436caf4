import Glibc
import Synchronization
import SystemLayer
import Testing

@testable import Threads

@Suite("threads of our own")
struct ThreadsTests {
    /// What a body saw of its own thread.
    struct Seen: Sendable {
        var name = ""
        var blocksTerminate = false
        var thread = pthread_t()
    }

    static func look() -> Seen {
        var mask = sigset_t()
        _ = unsafe pthread_sigmask(SIG_SETMASK, nil, &mask)
        let name = TextFile.read("/proc/thread-self/comm") ?? ""
        return unsafe Seen(
            name: name,
            blocksTerminate: sigismember(&mask, SIGTERM) == 1,
            thread: pthread_self()
        )
    }

    @Test("a joined thread has run, under its name and deaf to signals, and its maker hears as before")
    func joined() throws {
        let seen = Mutex(Seen())
        var before = sigset_t()
        _ = unsafe pthread_sigmask(SIG_SETMASK, nil, &before)
        try withoutActuallyEscaping({ @Sendable in seen.withLock { $0 = Self.look() } }) { body in
            try JoinableThread("teller", body).join()
        }
        var after = sigset_t()
        _ = unsafe pthread_sigmask(SIG_SETMASK, nil, &after)
        let result = seen.withLock { $0 }
        #expect(result.name == "teller\n")
        #expect(result.blocksTerminate)
        #expect(result.thread != pthread_self())
        for signal in 1..<32 {
            #expect(unsafe sigismember(&before, CInt(signal)) == sigismember(&after, CInt(signal)))
        }
    }

    @Test("a thread nobody waits for runs too", .timeLimit(.minutes(1)))
    func detached() async throws {
        let (answers, continuation) = AsyncStream.makeStream(of: Seen.self)
        try startThread("loner") {
            continuation.yield(Self.look())
            continuation.finish()
        }
        var iterator = answers.makeAsyncIterator()
        let seen = try #require(await iterator.next())
        #expect(seen.name == "loner\n")
        #expect(seen.blocksTerminate)
    }

    @Test("a joinable thread that is let go ends on its own", .timeLimit(.minutes(1)))
    func letGo() async throws {
        let (answers, continuation) = AsyncStream.makeStream(of: String.self)
        do {
            _ = try JoinableThread("let-go") {
                continuation.yield(Self.look().name)
                continuation.finish()
            }
        }
        var iterator = answers.makeAsyncIterator()
        #expect(await iterator.next() == "let-go\n")
    }
}
