/// A workload profile in the terms of runtimes that make their filter themselves: lists of calls, with tests of arguments.
///
/// The same data as `WorkloadFilter`, but that a test has one answer only: a call that is refused by an argument answers
/// like an unknown one. The words of the comparisons are libseccomp's, which these runtimes link.
public struct RuntimeProfile: Sendable {
    /// How an argument is compared.
    public enum Comparison: String, Sendable {
        /// Equal to the value.
        case equal = "SCMP_CMP_EQ"
        /// Another value.
        case notEqual = "SCMP_CMP_NE"
        /// Below the value.
        case less = "SCMP_CMP_LT"
        /// Above the value.
        case greater = "SCMP_CMP_GT"
        /// The bits of the value are those of the second.
        case masked = "SCMP_CMP_MASKED_EQ"
    }

    /// One test of an argument.
    public struct Test: Sendable, Equatable {
        /// From 0.
        public let argument: UInt32
        /// What it is compared with.
        public let value: UInt64
        /// What is left under the mask; 0 with other comparisons.
        public let second: UInt64
        /// How.
        public let comparison: Comparison

        init(_ argument: UInt32, _ comparison: Comparison, _ value: UInt64, _ second: UInt64 = 0) {
            self.argument = argument
            self.value = value
            self.second = second
            self.comparison = comparison
        }
    }

    /// Calls with one answer.
    public struct Rule: Sendable, Equatable {
        /// Their names.
        public let calls: [String]
        /// All must hold.
        public let tests: [Test]
        /// nil: allowed.
        public let errno: UInt16?

        init(_ calls: [String], _ tests: [Test] = [], errno: UInt16? = nil) {
            self.calls = calls
            self.tests = tests
            self.errno = errno
        }
    }

    /// In their order; a call is in one of them, or in several with different tests.
    public let rules: [Rule]
    /// What every other call answers: ENOSYS, so that libraries fall back.
    public let otherwise: UInt16 = 38

    /// The profile of that name.
    ///
    /// - Parameter name: `default` or `strict`.
    /// - Returns: nil for unknown names.
    public static func named(_ name: String) -> RuntimeProfile? {
        guard name == "default" || name == "strict" else { return nil }
        let isStrict = name == "strict"
        let asked = asked(isStrict)
        let others = Set(asked.flatMap(\.calls))
        var refused = calls(Profiles.refused)
        if isStrict { refused += calls(Profiles.strictlyRefused) }
        let allowed = calls(Profiles.allowed).filter { !others.contains($0) && !refused.contains($0) }
        return RuntimeProfile(rules: [Rule(allowed), Rule(refused, errno: 1)] + asked)
    }

    private static func calls(_ list: String) -> [String] {
        list.utf8.split { $0 <= 32 }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// What `Profiles.asked` says; `RuntimeProfileTests` compares the two call by call.
    private static func asked(_ isStrict: Bool) -> [Rule] {
        let unixSockets = isStrict ? [Test(0, .equal, 1), Test(1, .masked, 2, 0)] : [Test(0, .equal, 1)]
        return [
            Rule(["clone"], [Test(0, .masked, 0x7E02_0000, 0)]),
            Rule(["unshare"], [Test(0, .masked, 0x7E02_0080, 0)]),
            Rule(["socket"], unixSockets),
            Rule(["socket"], [Test(0, .equal, 2)]),
            Rule(["socket"], [Test(0, .equal, 10)]),
            Rule(["personality"], [Test(0, .equal, 0)]),
            Rule(["personality"], [Test(0, .equal, 0xFFFF_FFFF)]),
            Rule(["prctl"], [Test(0, .notEqual, 35)]),
            Rule(["ioctl"], [Test(1, .less, 0x5412)]),
            Rule(["ioctl"], [Test(1, .greater, 0x541C)]),
        ] + (isStrict ? [] : [Rule(["socket"], [Test(0, .equal, 16), Test(2, .equal, 0)])])
            // Between the two that put words into a terminal.
            + (0x5413...0x541B).map { Rule(["ioctl"], [Test(1, .equal, UInt64($0))]) }
    }
}
