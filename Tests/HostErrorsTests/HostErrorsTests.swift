import HostErrors
import Testing

@Suite("Errors")
struct HostErrorsTests {
    /// gRPC, "Status codes and their use in gRPC", in the order of their numbers.
    private let names = [
        "ok", "cancelled", "unknown", "invalidArgument", "deadlineExceeded", "notFound", "alreadyExists",
        "permissionDenied", "resourceExhausted", "failedPrecondition", "aborted", "outOfRange", "unimplemented",
        "internal", "unavailable", "dataLoss", "unauthenticated",
    ]

    @Test("codes have gRPC's numbers")
    func codes() {
        #expect(HostError.Code.allCases.map(\.rawValue) == Array(0...16))
        #expect(HostError.Code.allCases.map { "\($0)" } == names)
    }

    @Test("a reason is sent as its own name in UPPER_SNAKE, so that a rename shows", arguments: Reason.allCases)
    func reasons(reason: Reason) {
        var words = ""
        var lastWasLower = false
        for letter in "\(reason)" {
            if letter.isUppercase, lastWasLower { words += "_" }
            lastWasLower = letter.isLowercase
            words += letter.uppercased()
        }
        // The one abbreviation: what follows it is a word of its own.
        #expect(reason.rawValue == words.replacing("UIDM", with: "UID_M"))
    }

    @Test("equal errors have equal details too, and the details are not in what a client reads")
    func context() {
        let error = HostError(.notFound, .actorNotFound, "no actor \"a\" here", context: ["journal.row": "7"])
        #expect("\(error)" == "notFound: no actor \"a\" here")
        #expect(error != HostError(.notFound, .actorNotFound, "no actor \"a\" here"))
    }
}
