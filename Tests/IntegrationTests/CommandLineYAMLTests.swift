import HostErrors
import Testing

@testable import substrate_host

@Suite("YAML")
struct YAMLTests {
    private func parse(_ text: String) throws(HostError) -> YAMLNode { try YAMLDocument.parse(Array(text.utf8)) }

    @Test("maps keep their order, and every value its line")
    func document() throws {
        let text = """
            # an actor
            b: 1
            a:
              - "null"
              - ~
              - x: |
                  two
                  lines
            empty:
            flow: {k: [é, 'it''s']}
            """
        let x = YAMLMember(key: "x", line: 6, value: .scalar("two\nlines\n", line: 6))
        let k = YAMLMember(
            key: "k",
            line: 10,
            value: .list([.scalar("é", line: 10), .scalar("it's", line: 10)], line: 10)
        )
        let list = YAMLNode.list([.scalar("null", line: 4), .null(line: 5), .map([x], line: 6)], line: 4)
        let expected = YAMLNode.map(
            [
                YAMLMember(key: "b", line: 2, value: .scalar("1", line: 2)), YAMLMember(key: "a", line: 3, value: list),
                YAMLMember(key: "empty", line: 9, value: .null(line: 9)),
                YAMLMember(key: "flow", line: 10, value: .map([k], line: 10)),
            ],
            line: 2
        )
        let node = try parse(text)
        #expect(node == expected)
        #expect(node["b"] == .scalar("1", line: 2))
        #expect(node["nope"] == nil)
        #expect(node["b"]?["x"] == nil)
    }

    @Test("JSON is read too, and nothing is nothing")
    func json() throws {
        #expect(
            try parse("{\"a\": [1, \"\\u00e9\"]}")["a"]
                == .list([.scalar("1", line: 1), .scalar("é", line: 1)], line: 1)
        )
        #expect(try parse("") == .null(line: 1))
        #expect(try parse("# only words\n") == .null(line: 1))
        #expect(try parse("---\nx\n...\n") == .scalar("x", line: 2))
    }

    @Test(
        "what is clever or broken is refused with its line",
        arguments: [
            ("a: &x 1\nb: *x", "YAML line 2: an alias"),
            ("a: 1\nb: 2\na: 3", "YAML line 3: the key \"a\" again; it is on line 1 already"),
            ("a: !!binary x", "YAML line 1: a tag"),
            ("- 1\n- !!map {a: 1}", "YAML line 2: a tag"),
            ("a\n---\nb", "YAML line 3: a second document"),
            ("[a, b]: 1", "a key that is no plain word"),
            ("a: 1\n b: [", "YAML line 2:"),
            ("a: \"x", "YAML line"),
            ("a: 1\nb: \u{1}", "YAML line 2: control characters are not allowed"),
            ("\ta: 1", "YAML line 1:"),
        ]
    )
    func refusals(text: String, says: String) {
        let error = #expect(throws: HostError.self) { try parse(text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test("size, depth, number and encoding have limits")
    func limits() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try parse(nested(65)) }
        #expect(throws: HostError.self) { try parse(nested(66)) }
        #expect(throws: HostError.self) { try parse("[" + String(repeating: "1,", count: 100_001) + "]") }
        #expect(throws: HostError.self) { try parse(String(repeating: "#", count: 1 << 20) + "#") }
        #expect(throws: HostError.self) { try YAMLDocument.parse([0x61, 0xFF]) }
    }

    @Test("every prefix of a document is read or refused, never worse")
    func truncation() {
        let bytes = Array("a: {b: [1, \"x\\ty\"], c: 'd'}\ne: |\n  f\n- ?".utf8)
        for count in 0...bytes.count {
            do throws(HostError) { _ = try YAMLDocument.parse(Array(bytes[..<count])) } catch {
                #expect(error.code == .invalidArgument)
            }
        }
    }
}
