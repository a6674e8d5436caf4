import Foundation
import Testing

@testable import Telemetry

@Suite("Workload log lines")
struct WorkloadLogLineTests {
    private let labels = ["ate.dev/actor_id": "a1", "ate.dev/container_name": "web"]
    private let stamp = "2023-11-14T22:13:20.5Z"
    private let ours = #"{"ate.dev/actor_id":"a1","ate.dev/container_name":"web"}"#

    private func format(_ text: String) -> String? { format(Array(text.utf8)) }
    private func format(_ bytes: [UInt8]) -> String? {
        WorkloadLogLine.format(bytes: bytes, timeNanoseconds: 1_700_000_000_500_000_000, labels: labels)
    }

    @Test("an empty line is dropped")
    func empty() { #expect(format("") == nil) }

    @Test(
        "what is no object is text under message",
        arguments: [
            "hello", "null", "true", "17", "[1,2]", "\"text\"", "{\"count\":1} garbage", "{\"a\":1}{\"b\":2}", "{",
            "{}x",
            "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":tru}", "{'a':1}",
            "{\"a\":1,}",
            "{,}", "{\"a\" 1}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\t\"}", "{\"a\":[1 2]}",
            "{\"a\":[1,]}",
            "{\"a\":{\"b\"}}", "{\"a\":[}]}", "{\"a\":NaN}", "{\"a", "{\"a\\", "{\"a\":\"\\u00", "{\"a\":\"\\ud83d\"}",
            "{\"a\":\"\\ude00\"}", " ", "\u{feff}{}",
        ]
    )
    func text(_ line: String) {
        #expect(format(line) == "{\"time\":\"\(stamp)\",\"message\":\(JSONText.quoted(line)),\"labels\":\(ours)}")
    }

    @Test(
        "an object stays flat, as it was written",
        arguments: [
            ("{}", "{\"time\":\"T\",\"labels\":L}"),
            (#"{"n":9223372036854775807123}"#, #"{"time":"T","n":9223372036854775807123,"labels":L}"#),
            (#" { "n" : 1.50e+3 , "s":"\u00e9\/" } "#, #"{"time":"T","n":1.50e+3,"s":"\u00e9\/","labels":L}"#),
            (#"{"time":"mine","level":"info"}"#, #"{"time":"mine","level":"info","labels":L}"#),
            (#"{"time":null}"#, #"{"time":null,"labels":L}"#),
            (
                #"{"a":{"b":[1,{"c":null}],"d":[]},"e":-0}"#,
                #"{"time":"T","a":{"b":[1,{"c":null}],"d":[]},"e":-0,"labels":L}"#
            ),
            (#"{"a":1,"a":2}"#, #"{"time":"T","a":2,"labels":L}"#),
            (#"{"labels":"no object","a":1}"#, #"{"time":"T","a":1,"labels":L}"#),
            (#"{"labels":null}"#, #"{"time":"T","labels":L}"#),
            (#"{"labels":{"ate.dev/actor_id":"spoof"}}"#, #"{"time":"T","labels":L}"#),
            (#"{"labels":{"ate.dev/\u0061ctor_id":"spoof"}}"#, #"{"time":"T","labels":L}"#),
            (#"{"logging.googleapis.com/labels":{"ate.dev/actor_id":"x"}}"#, #"{"time":"T","labels":L}"#),
            (#"{"logging.googleapis.com\/labels":1,"a":1}"#, #"{"time":"T","a":1,"labels":L}"#),
        ]
    )
    func object(_ line: String, _ expected: String) {
        let filled = expected.replacingOccurrences(of: "\"T\"", with: "\"\(stamp)\"")
            .replacingOccurrences(of: ":L}", with: ":\(ours)}")
        #expect(format(line) == filled)
    }

    @Test("the workload's own labels survive beside ours")
    func merged() {
        #expect(
            format(#"{"\u006cabels":{"team":"x","n":7,"ate.dev/actor_id":"spoof"}}"#)
                == #"{"time":""# + stamp
                + #"","labels":{"team":"x","n":7,"ate.dev/actor_id":"a1","ate.dev/container_name":"web"}}"#
        )
    }

    @Test("invalid UTF-8 is text with replacement characters")
    func invalid() throws {
        let line = try #require(format(Array("{\"a\":\"".utf8) + [0xff] + Array("\"}".utf8)))
        #expect(line.contains(#""message":"{\"a\":\""# + "\u{fffd}"))
    }

    @Test("a huge line is cut, a deep one is text, and neither overflows the stack")
    func hostile() throws {
        let huge = try #require(format([UInt8](repeating: 0x61, count: WorkloadLogLine.limit + 9)))
        #expect(huge.contains("\"cut_bytes\":9,"))
        let nested = "{\"a\":" + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000) + "}"
        #expect(try #require(format(nested)).contains("\"message\":"))
    }

    @Test("whatever comes in, one JSON object with our labels comes out")
    func fuzz() throws {
        var random = SystemRandomNumberGenerator()
        let seeds = [
            #"{"time":"x","labels":{"a":1,"ate.dev/actor_id":"b"},"n":[1,2.5e3,{"k":"\ud83d\ude00\n"}],"t":true,"z":null}"#,
            #"{"logging.googleapis.com/labels":{},"labels":[],"a":"\"\\\/\b"}"#,
        ].map { Array($0.utf8) }
        let alphabet = Array("{}[]\",:\\u0123eE+-.tfn ".utf8) + [0, 0x80, 0xff, 0xc3]
        for round in 0..<20_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = try #require(alphabet.randomElement(using: &random))
                case 1: bytes.remove(at: place)
                default: bytes.insert(try #require(alphabet.randomElement(using: &random)), at: place)
                }
            }
            let line = try #require(format(bytes))
            if round % 10 != 0 { continue }
            let parsed = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let shown = (parsed?["labels"] as? [String: Any])?["ate.dev/actor_id"] as? String
            #expect(shown == "a1", "for \(line)")
            #expect(!line.contains("\n"))
        }
    }
}
