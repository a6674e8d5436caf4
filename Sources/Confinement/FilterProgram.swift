import CSystemShims
public import SystemLayer

/// What a system call filter answers for one range of call numbers.
enum FilterAction: Equatable {
    case allow
    case refuse(errno: UInt16)
    case ask([ArgumentRule], otherwise: UInt32)
}

/// One test of a call's argument, low 32 bits only: the kernel itself reads no more of these.
struct ArgumentRule: Equatable {
    enum Test: Equatable {
        case equals(UInt32)
        case differs(UInt32)
        case hasAny(UInt32)
    }
    var argument: UInt8
    var test: Test
    var answer: UInt32
}

/// Classic BPF for seccomp(2): a binary search over call numbers, so that a long list costs eight comparisons.
struct FilterProgram {
    static let allow: UInt32 = 0x7fff_0000
    static func refuse(_ errno: UInt16) -> UInt32 { 0x0005_0000 | UInt32(errno) }
    private static let killProcess: UInt32 = 0x8000_0000

    struct Instruction: Equatable {
        var code: UInt16
        var ifTrue: UInt8 = 0
        var ifFalse: UInt8 = 0
        var value: UInt32
    }

    private(set) var instructions: [Instruction] = []

    /// - Source: linux/bpf_common.h for the codes; `struct seccomp_data` for the offsets: nr 0, arch 4, args from 16.
    init(actions: [UInt32: FilterAction], otherwise: FilterAction) {
        let returned = { (value: UInt32) in Instruction(code: 0x06, value: value) }
        instructions = [
            Instruction(code: 0x20, value: 4),
            Instruction(code: 0x15, ifTrue: 1, value: csh_audit_architecture()),
            returned(Self.killProcess),
            Instruction(code: 0x20, value: 0),
            // The x32 numbers share the x86-64 architecture and have this bit.
            Instruction(code: 0x45, ifFalse: 1, value: 0x4000_0000),
            returned(Self.killProcess),
        ]
        var ranges: [(start: UInt32, action: FilterAction)] = [(0, otherwise)]
        for number in actions.keys.sorted() {
            let action = actions[number] ?? otherwise
            if ranges[ranges.count - 1].start == number { ranges.removeLast() }
            if ranges.last?.action != action { ranges.append((number, action)) }
            if actions[number + 1] == nil, action != otherwise { ranges.append((number + 1, otherwise)) }
        }
        instructions += Self.search(ranges[...])
    }

    /// The bytes for the kernel: `struct sock_filter` one after the other.
    var bytes: [UInt8] {
        instructions.flatMap { one in
            [UInt8(truncatingIfNeeded: one.code), UInt8(truncatingIfNeeded: one.code >> 8), one.ifTrue, one.ifFalse]
                + (0..<4).map { UInt8(truncatingIfNeeded: one.value >> UInt32(8 * $0)) }
        }
    }

    private static func search(_ ranges: ArraySlice<(start: UInt32, action: FilterAction)>) -> [Instruction] {
        if ranges.count == 1, let only = ranges.first { return leaf(only.action) }
        let middle = ranges.startIndex + ranges.count / 2
        let low = search(ranges[..<middle])
        let high = search(ranges[middle...])
        let start = ranges[middle].start
        if low.count <= 255 { return [Instruction(code: 0x35, ifTrue: UInt8(low.count), value: start)] + low + high }
        // Too far for eight bits: an unconditional jump over the low half has thirty-two.
        let jump = Instruction(code: 0x05, value: UInt32(low.count))
        return [Instruction(code: 0x35, ifFalse: 1, value: start), jump] + low + high
    }

    private static func leaf(_ action: FilterAction) -> [Instruction] {
        switch action {
        case .allow: return [Instruction(code: 0x06, value: allow)]
        case .refuse(let errno): return [Instruction(code: 0x06, value: refuse(errno))]
        case .ask(let rules, let otherwise):
            var all: [Instruction] = []
            for rule in rules {
                // Both architectures are little endian: the low half of an argument comes first.
                all.append(Instruction(code: 0x20, value: 16 + 8 * UInt32(rule.argument)))
                switch rule.test {
                case .equals(let value): all.append(Instruction(code: 0x15, ifFalse: 1, value: value))
                case .differs(let value): all.append(Instruction(code: 0x15, ifTrue: 1, value: value))
                case .hasAny(let bits): all.append(Instruction(code: 0x45, ifFalse: 1, value: bits))
                }
                all.append(Instruction(code: 0x06, value: rule.answer))
            }
            return all + [Instruction(code: 0x06, value: otherwise)]
        }
    }
}

/// The system call filter of a workload.
public struct WorkloadFilter: Sendable {
    /// The filter's instructions, eight bytes each, as seccomp(2) takes them.
    public let program: [UInt8]

    /// Puts it on the calling thread for good; needs no_new_privs.
    ///
    /// - Throws: the errno of seccomp(2).
    public func install() throws(SyscallError) {
        let result = unsafe program.withUnsafeBufferPointer { bytes in
            // An empty program has no address; the kernel would refuse it as well.
            guard let base = bytes.baseAddress else { return CInt(-22) }
            return unsafe csh_install_filter(base, bytes.count / 8)
        }
        guard result == 0 else { throw SyscallError("seccomp", -result) }
    }
}
