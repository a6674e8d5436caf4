import Confinement
import Foundation
import Testing
import Threads

#if arch(x86_64)
/// Every system call there is, tried by a process under the supervisor's filter and nothing else.
@Suite("the supervisor's filter, call by call")
struct FilterSweepTests {
    private struct Call: CustomStringConvertible, Sendable {
        /// `x` for the 64-bit entry (x32 by its bit), `i` for `int 0x80`.
        var abi: Character = "x"
        var number: Int
        var arguments: [UInt64] = []

        var description: String {
            let all = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
            return "\(abi) \(number) " + all.map(String.init).joined(separator: " ")
        }
    }

    private static let killed = "signal 31"
    private static let none = UInt64.max

    /// Makes each call in a child of its own.
    ///
    /// - Returns: one outcome a call: `signal N`, `value N` or `exit N`.
    private func outcomes(_ calls: [Call], filter: [UInt8] = SupervisorFilter.bytes) async throws -> [String] {
        let base = "\(Probe.directory)/sweep-\(UUID().uuidString)"
        try Data(filter).write(to: URL(fileURLWithPath: base + ".filter"))
        try Data(calls.map { "\($0)\n" }.joined().utf8).write(to: URL(fileURLWithPath: base + ".calls"))
        let output = try await onThread("test") {
            try Probe.run(try Probe.program.get(), ["sweep", base + ".filter"], input: base + ".calls")
        }
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static let numbers = Array(0...600) + [1000, 0x3fff_ffff]

    @Test("of all numbers with no arguments, five pass")
    func numbers() async throws {
        let calls = (Self.numbers + [-1]).map { Call(number: $0) }
        let answers = try await outcomes(calls)
        try #require(answers.count == calls.count)
        for (call, answer) in zip(calls, answers) {
            switch call.number {
            case 11: #expect(answer == "value -22", "munmap of nothing")
            case 12, 201: #expect((Int(answer.dropFirst(6)) ?? -1) > 0, "\(call): \(answer)")
            case 231: #expect(answer == "exit 0")
            // uretprobe and uprobe: the kernel lets them past every filter, since only a trampoline of its own may use
            // them; whoever else calls them gets just these answers. A kernel without them kills like any other.
            case 335: #expect(answer == "signal 4" || answer == Self.killed, "uretprobe: \(answer)")
            case 336: #expect(answer == "value -6" || answer == Self.killed, "uprobe: \(answer)")
            default: #expect(answer == Self.killed, "\(call): \(answer)")
            }
        }
    }

    @Test("no x32 number passes")
    func longNumbers() async throws {
        let calls = Self.numbers.map { Call(number: $0 | 0x4000_0000) }
        #expect(try await outcomes(calls) == calls.map { _ in Self.killed })
    }

    @Test("no i386 number passes")
    func oldNumbers() async throws {
        let calls = Self.numbers.map { Call(abi: "i", number: $0) }
        // Where the kernel has no such entry the instruction itself is refused.
        #expect(Set(try await outcomes(calls)).isSubset(of: [Self.killed, "signal 11"]))
    }

    private static let wrong: [Call] =
        [0, 1, 2, 4, 1 << 32 | 3].map { Call(number: 0, arguments: [$0]) }
        + [0, 1, 4, 1 << 32 | 2, 1 << 32 | 3].map { Call(number: 1, arguments: [$0]) }
        // prot: execute, alone or with others, GROWSDOWN, and a high bit
        + [4, 5, 7, 0x100_0003, 1 << 32 | 3].map { Call(number: 9, arguments: [0, 4096, $0, 0x22, none, 0]) }
        // flags: none, SHARED, FIXED, GROWSDOWN, LOCKED, POPULATE, HUGETLB, FIXED_NOREPLACE, no ANONYMOUS, a high bit
        + [0, 0x21, 0x32, 0x122, 0x2022, 0x8022, 0x40022, 0x10_0022, 2, 1 << 32 | 0x22]
        .map { Call(number: 9, arguments: [0, 4096, 3, $0, none, 0]) }
        // a file
        + [0, 2, 3, 0x7fff_ffff].map { Call(number: 9, arguments: [0, 4096, 3, 0x22, $0, 0]) }
        // mremap: stay, FIXED, DONTUNMAP
        + [0, 3, 5, 7, 1 << 32 | 1].map { Call(number: 25, arguments: [0, 4096, 8192, $0]) }
        // clocks: all but the process's own
        + [0, 1, 3, 4, 5, 6, 7, 8, 9, 11, 1 << 32 | 2, UInt64(bitPattern: -6)]
        .map { Call(number: 228, arguments: [$0]) }
        + [Call(number: 201, arguments: [4096])]
        // What a runtime would like to have: mprotect, futex, rt_sigreturn, getpid, tgkill, madvise, getrandom, clone
        + [10, 202, 15, 39, 234, 28, 318, 56].map { Call(number: $0, arguments: [1, 1, 1, 1, 1, 1]) }

    @Test("an allowed call with other arguments kills")
    func arguments() async throws {
        let answers = try await outcomes(Self.wrong)
        try #require(answers.count == Self.wrong.count)
        for (call, answer) in zip(Self.wrong, answers) { #expect(answer == Self.killed, "\(call)") }
    }

    @Test("each allowed call passes")
    func allowed() async throws {
        let maps = [0, 1, 2, 3].flatMap { (prot: UInt64) in
            [Self.none, 0xffff_ffff].map { Call(number: 9, arguments: [0, 4096, prot, 0x22, $0, 0]) }
        }
        #expect(try await outcomes(maps).allSatisfy { (Int($0.dropFirst(6)) ?? -1) > 0 })
        let others: [(Call, String)] = [
            (Call(number: 0, arguments: [3]), "value 0"),
            (Call(number: 1, arguments: [2]), "value 0"),
            (Call(number: 1, arguments: [3]), "value 0"),
            (Call(number: 25, arguments: [0, 4096, 8192, 1]), "value -14"),
            (Call(number: 228, arguments: [2, 1]), "value -14"),
            (Call(number: 231, arguments: [7]), "exit 7"),
        ]
        #expect(try await outcomes(others.map(\.0)) == others.map(\.1))
    }

    @Test("the sweep sees a filter that lets one call too many pass")
    func canFail() async throws {
        // ld nr; jeq getpid, allow; jeq exit_group, allow; kill
        let loose: [UInt8] =
            [0x20, 0, 0, 0, 0, 0, 0, 0] + [0x15, 0, 1, 0, 39, 0, 0, 0] + [0x15, 0, 0, 1, 231, 0, 0, 0]
            + [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f] + [0x06, 0, 0, 0, 0, 0, 0, 0x80]
        let answers = try await outcomes([Call(number: 39), Call(number: 40)], filter: loose)
        #expect(answers.first?.hasPrefix("value ") == true)
        #expect(answers.last == Self.killed)
    }
}
#endif
