/// The command line of `plugin test`.
struct TestOptions: Equatable {
    /// How results are written.
    enum Form: Equatable {
        case people, json, tap
    }

    /// What cannot be understood, in words.
    struct Mistake: Error, Equatable {
        let text: String
    }

    static let help = """
        usage: substrate-host plugin test PATH [--only N] [--trace] [--real] [--json | --tap] [--junit FILE]

        Runs the tests beside a backend (*_test.lua) against the real supervisor, broker and host functions; what
        is behind them is data: programs as rules, files in memory, a clock that moves only when someone waits.
        PATH is a file, a folder with backend.lua, or the name of a shipped backend.

          --only N      the N-th test alone
          --trace       every verb, host call and printed line of every test
          --real        on this machine's real world, where a test uses nothing fake; as root
          --json        one object
          --tap         the Test Anything Protocol
          --junit FILE  a JUnit file beside the other output

        exit codes: 0 all passed, 1 a test failed, 2 the tests could not be run
        examples:
          substrate-host plugin test plugins/process
          substrate-host plugin test bwrap --only 5 --trace

        """

    var path = ""
    var only: Int?
    var trace = false
    var real = false
    var form = Form.people
    var junit: String?
    var wantsHelp = false

    /// Reads the arguments after `test`.
    ///
    /// - Throws: the first that is not understood.
    init(_ arguments: [String]) throws(Mistake) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h": wantsHelp = true
            case "--trace": trace = true
            case "--real": real = true
            case "--json": form = .json
            case "--tap": form = .tap
            case "--junit":
                guard let file = rest.popFirst() else { throw Mistake(text: "--junit needs a FILE") }
                junit = file
            case "--only":
                guard let number = rest.popFirst(), let value = Int(number), value > 0 else {
                    throw Mistake(text: "--only needs the number of a test, from 1")
                }
                only = value
            default:
                guard !argument.hasPrefix("-") else {
                    throw Mistake(text: "there is no option \(argument); see --help")
                }
                guard path.isEmpty else { throw Mistake(text: "one PATH, and \(argument) is a second one") }
                path = argument
            }
        }
        if path.isEmpty, !wantsHelp { throw Mistake(text: "say which backend: plugin test PATH") }
    }
}
