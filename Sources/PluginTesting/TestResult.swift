/// What one test came to.
struct TestResult {
    /// Why it failed.
    struct Failure {
        /// `process_test.lua:42`; empty where no line is to blame.
        var place: String
        /// `expected storage_full, got ok`; more lines where a script's own mistake is told.
        var text: String
    }

    /// One host call, ready to print.
    struct Call {
        var words: String
        var status: String
        /// `backend.lua:9 in start_all`.
        var place: String
        /// The test's line that made it fail.
        var injectedBy: String?
    }

    var number: Int
    var name: String
    /// The test file's own name.
    var file: String
    var line: UInt32
    var milliseconds = 0.0
    var failure: Failure?
    var calls: [Call] = []
    var mend: String?
    /// Why it is not for this world; nil where it ran.
    var skipped: String?
    /// What was left behind, each in words.
    var left: [String] = []
    /// What verbs came to and what scripts printed, for a trace.
    var trace: [String] = []

    var passed: Bool { failure == nil }
}
