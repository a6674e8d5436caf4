import Glibc
import LaunchProtocol
import SystemLayer
import Testing

struct SpoolTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = "/tmp/substrate-spool-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileTree.makeDirectories(path, mode: 0o755)
        defer { try? FileTree.remove(path) }
        try body(path)
    }

    private func open(_ path: String) -> OwnedFD { OwnedFD(unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)) }

    private func line(_ number: Int, padding: Int = 0) -> LogRecord {
        let text = "\(number)" + String(repeating: ".", count: padding)
        return LogRecord(timeNanoseconds: Int64(number), stream: .standardOutput, bytes: Array(text.utf8))
    }

    @Test func readerFollowsTheWriterThroughRotation() throws {
        try withDirectory { path in
            var reader = LogSpoolReader(directory: path)
            #expect(reader.next() == nil)
            var spool = LogSpool(directory: open(path), limit: 1 << 20)
            for number in 0..<5000 {
                let record = line(number, padding: 500)
                spool.append([record])
                #expect(reader.next() == record)
            }
            #expect(reader.next() == nil)
        }
    }

    @Test func lostRecordsAreCounted() throws {
        try withDirectory { path in
            var spool = LogSpool(directory: open(path), limit: 1 << 20)
            var reader = LogSpoolReader(directory: path)
            spool.append([line(0)])
            #expect(reader.next() == line(0))
            for number in 1..<10_000 { spool.append([line(number, padding: 1000)]) }
            var dropped: UInt64 = 0
            var seen: UInt64 = 1
            var last: Int64 = 0
            while let record = reader.next() {
                if record.dropped > 0 { dropped += record.dropped } else { seen += 1 }
                last = max(last, record.timeNanoseconds)
            }
            #expect(dropped > 0)
            #expect(seen + dropped == 10_000)
            #expect(last == 9999)
        }
    }

    @Test func aSecondWriterGoesOn() throws {
        try withDirectory { path in
            var reader = LogSpoolReader(directory: path)
            var first = LogSpool(directory: open(path), limit: 1 << 20)
            first.append([line(1), line(2)])
            var second = LogSpool(directory: open(path), limit: 1 << 20)
            second.append([line(3)])
            #expect([reader.next(), reader.next(), reader.next(), reader.next()] == [line(1), line(2), line(3), nil])
        }
    }

    @Test func linesAreCutWhereTheyEndOrAt64KiB() {
        var splitter = LineSplitter(stream: .standardError)
        #expect(splitter.feed(Array("a\n\nb".utf8), time: 1).map(\.bytes) == [[97], []])
        #expect(splitter.feed(Array("c\n".utf8), time: 2).map(\.bytes) == [[98, 99]])
        let long = splitter.feed([UInt8](repeating: 7, count: 150_000) + [10], time: 3)
        #expect(long.map(\.bytes.count) == [65536, 65536, 18928])
        #expect(long.map(\.partial) == [true, true, false])
        #expect(splitter.finish(time: 4).isEmpty)
        _ = splitter.feed([255], time: 5)
        #expect(splitter.finish(time: 6).map(\.bytes) == [[255]])
    }

    @Test func plansComeBackAsTheyWereAndDamageIsRefused() throws {
        var plan = LaunchPlan()
        plan.nonce = "n"
        plan.arguments = ["a", "ü"]
        plan.environment = ["A=b"]
        plan.layers = ["/l1", "/l2"]
        plan.upperDirectory = "/u"
        plan.workDirectory = "/w"
        plan.mounts = [.init(source: "/s", target: "/t", readOnly: true)]
        plan.networkNamespace = "/run/netns/x"
        plan.logDirectory = "/logs"
        plan.statusDirectory = "/status"
        let bytes = plan.encoded()
        #expect(try LaunchPlan.decode(bytes) == plan)
        for count in 0..<bytes.count {
            #expect(throws: PlanError.self) { try LaunchPlan.decode(Array(bytes.prefix(count))) }
        }
        #expect(throws: PlanError.self) { try LaunchPlan.decode(bytes + [0]) }
        plan.mounts[0].target = "/a/../../b"
        #expect(throws: PlanError.self) { try LaunchPlan.decode(plan.encoded()) }
    }

    @Test func reportsComeBackAsTheyWere() {
        let failed = LaunchReport.failed(step: 11, errno: 22, text: "overlay: no such")
        #expect(LaunchReport.decode(failed.encoded()) == failed)
        let ready = LaunchReport.ready(pid: 2, applied: [.pidNamespace, .seccomp])
        #expect(ready.encoded() == Array("ready 2 pid-namespace seccomp\n".utf8))
        #expect(LaunchReport.decode(ready.encoded()) == ready)
        #expect(LaunchReport.decode(Array("ready 2\n".utf8)) == .ready(pid: 2, applied: []))
        #expect(LaunchReport.decode(Array("ready 2 nonsense\n".utf8)) == nil)
        #expect(LaunchReport.decode(Array("ready 2".utf8)) == nil)
    }
}
