import Foundation
import Synchronization
import Testing

@testable import Telemetry

private final class Memory: LogSink {
    let records = Mutex<[LogRecord]>([])
    func write(_ record: LogRecord) { records.withLock { $0.append(record) } }
}

@Suite("Logger")
struct LoggerTests {
    @Test("adds what is known of the work, and leaves out what matters less")
    func levels() {
        let memory = Memory()
        let logger = Logger(sink: memory, level: .notice).with(["actor.name": "a"])
        logger.info("not logged")
        logger.warning("logged", ["slot.name": "s"])
        let records = memory.records.withLock { $0 }
        #expect(records.map(\.message) == ["logged"])
        #expect(records.first?.metadata.map(\.key) == ["actor.name", "slot.name"])
    }

    @Test("JSON lines hold no control character and stay under the size a pipe takes whole")
    func json() throws {
        let hostile = "a\u{1b}[2J\n\u{202e}\u{9b}\"\\"
        let long = String(repeating: "\u{7}é", count: 5000)
        let record = LogRecord(
            timeNanoseconds: 1_700_000_000_000_000_000,
            level: .error,
            message: hostile,
            metadata: [("k", "1"), ("long", long), ("k", "2"), ("level", "x")] + (0..<50).map { ("m\($0)", long) }
        )
        for format in [LogFormat.json, .human(color: false)] {
            let line = format.line(record)
            #expect(line.utf8.count <= 4096)
            #expect(line.unicodeScalars.dropLast().allSatisfy { !JSONText.isControl($0) })
        }
        let parsed = try JSONSerialization.jsonObject(with: Data(LogFormat.json.line(record).utf8)) as? [String: String]
        #expect(parsed?["message"] == hostile)
        #expect(parsed?["k"] == "2")
        #expect(parsed?["level"] == "error")
        #expect(parsed?["log.cut"] == "true")
        #expect(parsed?["time"] == "2023-11-14T22:13:20Z")
    }

    @Test("a field that is named like one of ours keeps its value under another name")
    func clash() throws {
        let record = LogRecord(timeNanoseconds: 0, level: .error, message: "m", metadata: [("level", "x")])
        let parsed = try JSONSerialization.jsonObject(with: Data(LogFormat.json.line(record).utf8)) as? [String: String]
        #expect(parsed?["level"] == "error")
        #expect(parsed?["field.level"] == "x")
        #expect(parsed?["log.cut"] == nil)
    }

    @Test("a terminal's line is for people")
    func human() {
        let record = LogRecord(
            timeNanoseconds: 1_700_000_000_012_000_000,
            level: .info,
            message: "actor ready",
            metadata: [("actor.name", "a"), ("note", "two words")]
        )
        #expect(
            LogFormat.human(color: false).line(record)
                == "22:13:20.012 INFO     actor ready actor.name=a note=\"two words\"\n"
        )
        #expect(LogFormat.human(color: true).line(record).contains("\u{1b}["))
    }

    @Test("a full pipe drops lines and says how many; the pipe's own flags stay", .timeLimit(.minutes(1)))
    func fullPipe() throws {
        var ends: [CInt] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        defer { _ = close(ends[0]) }
        do {
            let sink = DescriptorSink(descriptor: ends[1])
            let logger = Logger(sink: sink)
            for _ in 0..<5000 { logger.info("filling the pipe") }
            #expect(sink.droppedLines > 0)
            #expect(fcntl(ends[1], F_GETFL) & O_NONBLOCK == 0)
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            _ = unsafe read(ends[0], &buffer, buffer.count)
            logger.info("after")
            let count = unsafe read(ends[0], &buffer, buffer.count)
            let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            #expect(text.contains("\"log.dropped\":\"\(sink.droppedLines)\""))
            #expect(text.contains("\"message\":\"after\""))
        }
        _ = close(ends[1])
    }

    @Test("ten writers never interleave")
    func writers() async throws {
        let path = "/tmp/telemetry-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        try #require(file >= 0)
        defer {
            _ = close(file)
            _ = unsafe unlink(path)
        }
        let logger = Logger(sink: DescriptorSink(descriptor: file))
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<10 {
                group.addTask { for line in 0..<100 { logger.info("line", ["at": "\(writer).\(line)"]) } }
            }
        }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 1000)
        for line in lines { #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) } }
    }

    @Test("who writes to the same file beside the log writes behind it")
    func beside() throws {
        let path = "/tmp/telemetry-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        try #require(file >= 0)
        defer {
            _ = close(file)
            _ = unsafe unlink(path)
        }
        Logger(sink: DescriptorSink(descriptor: file)).info("first")
        #expect(unsafe write(file, "second\n", 7) == 7)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2 && lines.last == "second", "\(lines)")
    }

    @Test("secrets are taken out")
    func redaction() {
        #expect(Redaction.removing(["hunter22", "abc"], from: "pw hunter22 abc") == "pw [redacted] abc")
        #expect(Redaction.environment(["A=b=c", "X"]) == ["A=[redacted]", "X"])
        #expect(Redaction.url("https://u:p@h/x?sig=1") == "https://[redacted]@h/x?[redacted]")
        #expect(Redaction.url("file:///a/b") == "file:///a/b")
    }

    @Test("phases tell the host's time from the programs'")
    func phases() async throws {
        struct Broken: Error {}
        var table = PhaseTable()
        #expect(table.measure("one") { 7 } == 7)
        table.add("two", milliseconds: 1.25, program: true)
        #expect(throws: Broken.self) { try table.measure("three") { () throws(Broken) in throw Broken() } }
        #expect(table.entries.map(\.name) == ["one", "two", "three"])
        #expect(table.programMilliseconds == 1.25)
        #expect(table.text.contains("two=1.250*"))
        #expect(table.json.contains(#"{"name":"two","ms":1.250,"by":"program"}"#))
        let clock = PhaseClock()
        await clock.measure("later", program: true) { await Task.yield() }
        #expect(clock.table.entries.map(\.program) == [true])
    }
}
