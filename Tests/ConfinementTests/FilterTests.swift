import Testing

@testable import Confinement

/// The filter, interpreted as the kernel does.
struct FilterTests {
    private func answer(_ program: [UInt8], number: UInt32, arguments: [UInt32] = [], architecture: UInt32) -> UInt32 {
        func word(_ offset: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(program[offset + $1]) << UInt32(8 * $1) } }
        var accumulator: UInt32 = 0
        var counter = 0
        while counter * 8 < program.count {
            let code = UInt16(program[counter * 8]) | UInt16(program[counter * 8 + 1]) << 8
            let (yes, no) = (Int(program[counter * 8 + 2]), Int(program[counter * 8 + 3]))
            let value = word(counter * 8 + 4)
            counter += 1
            switch code {
            case 0x20:
                let index = (Int(value) - 16) / 8
                accumulator =
                    value == 0
                    ? number : value == 4 ? architecture : index < arguments.count ? arguments[index] : 0
            case 0x15: counter += accumulator == value ? yes : no
            case 0x35: counter += accumulator >= value ? yes : no
            case 0x45: counter += accumulator & value != 0 ? yes : no
            case 0x05: counter += Int(value)
            case 0x06: return value
            default: return 0xdead
            }
        }
        return 0xdead
    }

    #if arch(x86_64)
    @Test func callsAnswerAsTheProfileSays() throws {
        let program = try #require(WorkloadFilter.named("default")).program
        func ask(_ number: UInt32, _ arguments: [UInt32] = []) -> UInt32 {
            answer(program, number: number, arguments: arguments, architecture: 0xC000_003E)
        }
        let (allow, permission, unknown, family): (UInt32, UInt32, UInt32, UInt32) = (
            0x7fff_0000, 0x5_0001, 0x5_0026, 0x5_0061
        )
        #expect(ask(0) == allow && ask(1) == allow && ask(59) == allow && ask(217) == allow && ask(231) == allow)
        #expect(ask(165) == permission && ask(321) == permission && ask(308) == permission)
        #expect(ask(435) == unknown && ask(425) == unknown && ask(457) == unknown && ask(9999) == unknown)
        #expect(ask(56, [0x11]) == allow && ask(56, [0x1000_0000]) == permission)
        #expect(ask(272, [0x80]) == permission && ask(272, [0x400]) == allow)
        #expect(ask(41, [1, 1, 0]) == allow && ask(41, [2, 1, 6]) == allow && ask(41, [38, 5, 0]) == family)
        #expect(ask(41, [16, 3, 0]) == allow && ask(41, [16, 3, 9]) == family)
        #expect(ask(16, [0, 0x5412]) == permission && ask(16, [0, 0x5401]) == allow)
        #expect(ask(135, [0]) == allow && ask(135, [.max]) == allow && ask(135, [0x40000]) == permission)
        #expect(ask(0x4000_0000) == 0x8000_0000)
        #expect(answer(program, number: 0, architecture: 0x4000_0003) == 0x8000_0000)
    }
    #endif

    #if arch(x86_64)
    @Test func strictIsTheDefaultWithoutThreeThings() throws {
        let usual = try #require(WorkloadFilter.named("default")).program
        let strict = try #require(WorkloadFilter.named("strict")).program
        func ask(_ number: UInt32, _ arguments: [UInt32] = [], in program: [UInt8]) -> UInt32 {
            answer(program, number: number, arguments: arguments, architecture: 0xC000_003E)
        }
        let (allow, permission, family): (UInt32, UInt32, UInt32) = (0x7fff_0000, 0x5_0001, 0x5_0061)
        let differing = (0..<600).filter { ask(UInt32($0), in: usual) != ask(UInt32($0), in: strict) }
        // ptrace, process_vm_readv, process_vm_writev; socket by its arguments alone.
        #expect(differing == [101, 310, 311])
        #expect(differing.allSatisfy { ask(UInt32($0), in: strict) == permission })
        #expect(ask(41, [1, 0x80801, 0], in: strict) == allow && ask(41, [1, 5, 0], in: strict) == allow)
        #expect(ask(41, [1, 0x80802, 0], in: strict) == permission && ask(41, [1, 3, 0], in: strict) == permission)
        #expect(ask(41, [2, 2, 17], in: strict) == allow && ask(41, [10, 1, 6], in: strict) == allow)
        #expect(ask(41, [16, 3, 0], in: strict) == family && ask(41, [38, 5, 0], in: strict) == family)
    }

    @Test func initKeepsWhatItNeedsAndNoMore() {
        let program = WorkloadFilter.initial.program
        func ask(_ number: UInt32, _ arguments: [UInt32] = []) -> UInt32 {
            answer(program, number: number, arguments: arguments, architecture: 0xC000_003E)
        }
        let (allow, permission): (UInt32, UInt32) = (0x7fff_0000, 0x5_0001)
        #expect(ask(0) == allow && ask(1) == allow && ask(61) == allow && ask(62) == allow && ask(231) == allow)
        // execve, fork, clone, clone3, socket, ptrace, mount, setns, unshare, mprotect, open, chroot, prctl.
        for number: UInt32 in [59, 57, 56, 435, 41, 101, 165, 308, 272, 10, 2, 161, 157] {
            #expect(ask(number) == permission, "call \(number)")
        }
        #expect(ask(257, [7]) == allow && ask(257, [0xFFFF_FF9C]) == permission)
        #expect(ask(9, [0, 4096, 3]) == allow && ask(9, [0, 4096, 5]) == permission)
        #expect((0..<600).filter { ask(UInt32($0)) == allow }.count < 45)
        #expect(ask(0x4000_0000) == 0x8000_0000)
    }
    #endif

    @Test func everyNumberHasAnAnswer() throws {
        let program = try #require(WorkloadFilter.named("default")).program
        #expect(program.count / 8 < 4096)
        #expect(WorkloadFilter.named("none") == nil)
        let rules: [UInt32: FilterAction] = [0: .refuse(errno: 1), 1: .allow, 5: .allow, 6: .refuse(errno: 1)]
        let small = FilterProgram(actions: rules, otherwise: .refuse(errno: 38)).bytes
        let architecture = (0..<4).reduce(UInt32(0)) { $0 | UInt32(small[12 + $1]) << UInt32(8 * $1) }
        let answers = (UInt32(0)..<9).map { answer(small, number: $0, architecture: architecture) }
        let (allow, permission, unknown): (UInt32, UInt32, UInt32) = (0x7fff_0000, 0x5_0001, 0x5_0026)
        #expect(
            answers == [permission, allow, unknown, unknown, unknown, allow, permission, unknown, unknown]
        )
    }
}
