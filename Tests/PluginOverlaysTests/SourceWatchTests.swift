import Glibc
import Synchronization
import Testing
import Threads

@testable import PluginOverlays

@Suite("A save is noticed, whole, and nothing else is")
struct SourceWatchTests {
    /// A watch over one directory below a fresh folder.
    private func watching(_ folder: Folder) throws -> SourceWatch {
        folder.makeDirectory("site")
        let watch = try SourceWatch()
        #expect(watch.watch([folder.path + "/site"], roots: [folder.path + "/site"]))
        #expect(!watch.watch([folder.path + "/site"], roots: [folder.path + "/site"]), "nothing is new")
        #expect(!watch.takeChange())
        return watch
    }

    @Test("a file that is closed after writing, renamed into place, linked or removed is a change")
    func saves() throws {
        let folder = try Folder()
        let watch = try watching(folder)
        try folder.write("site/a.lua", "1")
        #expect(watch.takeChange())
        #expect(!watch.takeChange(), "it was taken")
        try folder.write("other.tmp", "2")
        #expect(!watch.takeChange(), "a file beside the directory is nobody's")
        #expect(unsafe rename(folder.path + "/other.tmp", folder.path + "/site/a.lua") == 0)
        #expect(watch.takeChange())
        #expect(unsafe Glibc.link(folder.path + "/site/a.lua", folder.path + "/site/b.lua") == 0)
        #expect(watch.takeChange())
        #expect(unsafe unlink(folder.path + "/site/b.lua") == 0)
        #expect(watch.takeChange())
        folder.makeDirectory("site/c")
        #expect(watch.takeChange())
    }

    @Test("a file that is still being written is no change")
    func unfinished() throws {
        let folder = try Folder()
        let watch = try watching(folder)
        let descriptor = unsafe open(folder.path + "/site/a.lua", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        #expect(unsafe write(descriptor, "half", 4) == 4)
        #expect(!watch.takeChange())
        close(descriptor)
        #expect(watch.takeChange())
    }

    @Test("a source that is replaced whole is a change, and is watched again")
    func replaced() throws {
        let folder = try Folder()
        let watch = try watching(folder)
        folder.makeDirectory("next")
        #expect(!watch.takeChange())
        #expect(unsafe rename(folder.path + "/site", folder.path + "/before") == 0)
        #expect(unsafe rename(folder.path + "/next", folder.path + "/site") == 0)
        #expect(watch.takeChange())
        #expect(watch.watch([folder.path + "/site"], roots: [folder.path + "/site"]), "it is another directory")
        try folder.write("site/a.lua", "1")
        #expect(watch.takeChange())
        try folder.write("before/a.lua", "1")
        #expect(!watch.takeChange(), "the directory that was replaced is watched no more")
    }

    @Test("who waits is woken by a save and by the end")
    func waiting() async throws {
        let folder = try Folder()
        let watch = try watching(folder)
        let (woken, continuation) = AsyncStream.makeStream(of: Bool.self)
        try startThread("test") {
            while watch.wait(settleMilliseconds: 1) {
                if watch.takeChange() { continuation.yield(true) }
            }
            continuation.yield(false)
            continuation.finish()
        }
        var answers = woken.makeAsyncIterator()
        try folder.write("site/a.lua", "1")
        #expect(await answers.next() == true)
        watch.close()
        var last: Bool?
        while let answer = await answers.next() { last = answer }
        #expect(last == false)
    }
}
