import Testing

@testable import LaunchProtocol

/// Plans are read by a launcher with privileges: whatever the bytes, it is a plan or a refusal.
@Suite struct PlanFuzzTests {
    /// Numbers that can be had again.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    private static func container() -> [UInt8] {
        var plan = LaunchPlan()
        plan.nonce = "n"
        plan.arguments = ["/bin/sh", "-c", "ü"]
        plan.environment = ["A=b", "C="]
        plan.layers = ["/l1", "/l2"]
        plan.upperDirectory = "/u"
        plan.firstID = 100_000
        plan.workDirectory = "/w"
        plan.mounts = [.init(source: "/s", target: "/t", readOnly: true)]
        plan.networkNamespace = "/run/netns/x"
        plan.logDirectory = "/logs"
        plan.statusDirectory = "/status"
        return plan.encoded()
    }

    private static func tool() -> [UInt8] {
        var plan = ToolPlan()
        plan.program = "/bin/sh"
        plan.arguments = ["sh", "-c", "true"]
        plan.workingDirectory = "/w"
        plan.covered = ["/var/lib"]
        plan.firstID = 100_000
        plan.roots = [.init(path: "/r", mounts: [.init(source: "/s", target: "/t")])]
        plan.mounts = [.init(source: "/s", target: "/s", readOnly: false)]
        plan.keeping = ToolPlan.Keeping(nonce: "n", logDirectory: "/l", statusDirectory: "/x", killFile: "/k")
        return plan.encoded()
    }

    private static func enter() -> [UInt8] {
        var plan = EnterPlan()
        plan.arguments = ["/bin/ls", "-l"]
        plan.environment = ["PATH=/bin"]
        plan.seccompProfile = "default"
        plan.isLandlocked = true
        plan.firstID = 100_000
        plan.writable = ["/data"]
        return plan.encoded()
    }

    /// What a plan is when it is read and written again; nil where it is refused.
    private static func again(_ bytes: [UInt8]) -> [UInt8]? {
        switch PlanKind.of(bytes) {
        case .container: try? LaunchPlan.decode(bytes).encoded()
        case .tool: try? ToolPlan.decode(bytes).encoded()
        case .enter: try? EnterPlan.decode(bytes).encoded()
        case nil: nil
        }
    }

    private static func mutate(_ bytes: [UInt8], _ numbers: inout Numbers) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &numbers) {
            guard !bytes.isEmpty else { break }
            let place = Int.random(in: 0..<bytes.count, using: &numbers)
            switch Int.random(in: 0..<5, using: &numbers) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &numbers)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &numbers)))
            case 3: bytes.insert(contentsOf: [UInt8](repeating: 255, count: 8), at: place)
            default: bytes += bytes[place...].prefix(Int.random(in: 1...40, using: &numbers))
            }
        }
        return bytes
    }

    @Test(arguments: [container(), tool(), enter()])
    func damageIsRefusedOrReadAsWhatItIsThen(_ good: [UInt8]) throws {
        #expect(Self.again(good) == good)
        var numbers = Numbers(state: 0x9e37_79b9_7f4a_7c15)
        var (read, refused) = (0, 0)
        for _ in 0..<20_000 {
            let bytes = Self.mutate(good, &numbers)
            if let written = Self.again(bytes) {
                read += 1
                // What was read means the same when it is read once more.
                #expect(Self.again(written) == written)
            } else {
                refused += 1
            }
        }
        #expect(read > 100 && refused > 5000, "\(read) read, \(refused) refused")
    }

    @Test func bytesOfNoPlanAreRefused() {
        var numbers = Numbers(state: 42)
        for kind in PlanKind.allCases {
            for count in 0..<400 {
                let bytes =
                    Array(kind.rawValue.utf8) + (0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) }
                #expect(Self.again(bytes) == nil)
            }
        }
    }
}
