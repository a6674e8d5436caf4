import Testing

/// What the text of every source file keeps to.
@Suite("Sources")
struct TextTests {
    /// A public declaration's own line, whatever modifiers it has; not an import and not an extension.
    static func isPublicDeclaration(_ line: some StringProtocol) -> Bool {
        let words = line.split(separator: " ").drop { $0.hasPrefix("@") }
        guard let first = words.first, ["public", "open"].contains(first) || first == "public(set)" else {
            return false
        }
        let kinds = [
            "func", "var", "let", "struct", "class", "enum", "protocol", "init", "subscript", "typealias", "actor",
            "indirect", "static", "mutating", "nonisolated", "final", "convenience", "consuming", "borrowing",
            "associatedtype", "override", "required",
        ]
        guard let second = words.dropFirst().first else { return false }
        return kinds.contains(String(second.prefix { $0.isLetter }))
    }

    /// The lines whose public declaration has no doc comment above it, attributes passed over.
    static func undocumented(_ lines: [Substring]) -> [Int] {
        lines.indices.filter { index in
            guard isPublicDeclaration(lines[index]) else { return false }
            let above = lines[..<index].reversed().lazy.map { $0.drop { $0 == " " } }.first { !$0.hasPrefix("@") }
            return above?.hasPrefix("///") != true
        }
    }

    @Test("every public declaration has a doc comment")
    func documentation() throws {
        for file in try ArchitectureTests.files(["swift"]) {
            for index in Self.undocumented(file.lines) {
                Issue.record("Sources/\(file.path):\(index + 1): no doc comment: \(file.lines[index])")
            }
        }
        let sample =
            "/// Said.\n@frozen\npublic struct A {\n    public let b = 1\n}\npublic import C\npublic extension D {}"
        #expect(Self.undocumented(sample.split(separator: "\n")) == [3])
    }

    @Test("the cache's on-disk prefix is one constant, of Assets")
    func cachePrefix() throws {
        let places = try ArchitectureTests.files(["swift", "c", "h", "proto"]).flatMap { file in
            file.lines.filter { $0.contains("runsc") }.map { "\(file.path): \($0.drop { $0 == " " })" }
        }
        #expect(places == ["Assets/AssetCache.swift: static let prefix = \"runsc-\""])
    }

    @Test("what goes into the static binaries has no Foundation, starts no thread and never suspends")
    func staticRooms() throws {
        let words = [
            "import Foundation", "import Dispatch", "pthread_create", "Task {", "Task.", " await ", " async ",
            "DispatchQueue",
            "Thread.",
        ]
        let staticRooms = Set(rooms.filter(\.value.isStatic).keys)
        #expect(staticRooms.count >= 11)
        for file in try ArchitectureTests.files(["swift"]) where staticRooms.contains(file.room) {
            for (index, line) in file.lines.enumerated() {
                let code = line.drop { $0 == " " }
                guard !code.hasPrefix("//"), let word = words.first(where: { line.contains($0) }) else { continue }
                Issue.record("Sources/\(file.path):\(index + 1): \(word) in a room of the static binaries")
            }
        }
    }

    @Test("threads are started in one place")
    func threads() throws {
        for file in try ArchitectureTests.files(["swift"]) where file.room != "Threads" {
            #expect(!file.lines.contains { $0.contains("pthread_create(") }, "\(file.path) starts a thread of its own")
        }
    }

    @Test("nothing is left for later, and nothing is a placeholder")
    func unfinished() throws {
        for file in try ArchitectureTests.files(["swift", "c", "h"]) {
            #expect(!file.path.hasSuffix("Placeholder.swift"))
            for (index, line) in file.lines.enumerated() {
                for word in ["TODO", "FIXME", "XXX", "HACK"] where line.contains(word) {
                    // A template of mkdtemp(3) ends in six of them.
                    if word == "XXX", line.contains("XXXXXX") { continue }
                    Issue.record("Sources/\(file.path):\(index + 1): \(word)")
                }
            }
        }
    }
}
