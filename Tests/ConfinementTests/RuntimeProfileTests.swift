import Testing

@testable import Confinement

/// The profile for other runtimes against the one of our own launcher: the same data, said twice.
@Suite("Profiles for runtimes")
struct RuntimeProfileTests {
    /// What a runtime's filter answers: the first rule whose tests hold; nil is allowed.
    private func answer(_ profile: RuntimeProfile, _ call: String, _ arguments: [UInt64]) -> UInt16? {
        for rule in profile.rules where rule.calls.contains(call) {
            let holds = rule.tests.allSatisfy { test in
                let value = arguments[Int(test.argument)]
                return switch test.comparison {
                case .equal: value == test.value
                case .notEqual: value != test.value
                case .less: value < test.value
                case .greater: value > test.value
                case .masked: value & test.value == test.second
                }
            }
            if holds { return rule.errno }
        }
        return profile.otherwise
    }

    /// What our own filter's data says: nil is allowed.
    private func own(_ action: FilterAction, _ arguments: [UInt64]) -> Bool {
        switch action {
        case .allow: return true
        case .refuse: return false
        case .ask(let rules, let otherwise):
            for rule in rules {
                let value = UInt32(truncatingIfNeeded: arguments[Int(rule.argument)])
                let holds =
                    switch rule.test {
                    case .equals(let wanted): value == wanted
                    case .differs(let other): value != other
                    case .hasAny(let mask): value & mask != 0
                    }
                if holds { return rule.answer == FilterProgram.allow }
            }
            return otherwise == FilterProgram.allow
        }
    }

    @Test("allows what the launcher's profile allows, argument by argument", arguments: ["default", "strict"])
    func agrees(_ name: String) throws {
        let profile = try #require(RuntimeProfile.named(name))
        var asked = Profiles.asked
        if name == "strict" { asked.merge(Profiles.strictlyAsked) { $1 } }
        let values: [UInt64] = [
            0, 1, 2, 3, 10, 16, 17, 35, 36, 0x11, 0x5411, 0x5412, 0x5413, 0x541B, 0x541C, 0x541D, 0x80, 0x0200_0000,
            0x1000_0000, 0x2000_0000, 0x4000_0000, 0x0010_0000, 0xFFFF_FFFF,
        ]
        for (call, action) in asked {
            for first in values {
                for second in values {
                    for third in [UInt64(0), 1, 15] {
                        let arguments = [first, second, third]
                        #expect(
                            (answer(profile, call, arguments) == nil) == own(action, arguments),
                            "\(name): \(call)(\(arguments))"
                        )
                    }
                }
            }
        }
        let refused = Profiles.refused.split { $0 == " " || $0 == "\n" }
        for call in refused { #expect(answer(profile, String(call), [0, 0, 0]) == 1) }
        #expect(answer(profile, "clone3", [0, 0, 0]) == 38 && answer(profile, "io_uring_setup", [0, 0, 0]) == 38)
        #expect(answer(profile, "ptrace", [0, 0, 0]) == (name == "strict" ? 1 : nil))
    }

    @Test("no call is in two unconditional rules, and unknown names have no profile")
    func once() throws {
        let profile = try #require(RuntimeProfile.named("default"))
        let plain = profile.rules.filter(\.tests.isEmpty).flatMap(\.calls)
        #expect(Set(plain).count == plain.count)
        let conditional = Set(profile.rules.filter { !$0.tests.isEmpty }.flatMap(\.calls))
        #expect(conditional.isDisjoint(with: plain))
        #expect(RuntimeProfile.named("none") == nil && RuntimeProfile.named("wide") == nil)
    }
}
