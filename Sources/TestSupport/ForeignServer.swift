import Foundation

/// A server of another program's making, for as long as this lives: it says where it is on its first line.
public final class ForeignServer {
    /// The words of its first line.
    public let words: [String]
    private let process = Process()
    private let input = Pipe()

    /// Whether Python has an S3 server here; asked once.
    public static let hasObjects =
        (try? ProgramRun.wait("/usr/bin/env", ["python3", "-c", "import moto.server, boto3"], patience: 60))?.code == 0

    /// Starts one and waits until it serves.
    ///
    /// - Parameters:
    ///   - script: a file of the integration tests' `Foreign`, or a path below `Tests`.
    ///   - arguments: the script's.
    /// - Throws: when it says nothing.
    public init(_ script: String, _ arguments: String...) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let path = script.contains("/") ? script : "IntegrationTests/Foreign/\(script)"
        process.arguments = ["python3", "\(TestMachine.checkout)/Tests/\(path)"] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = Data()
        while line.last != UInt8(ascii: "\n") {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw TestFailure("\(script) ended before it served") }
            line += more
        }
        words = String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
    }

    /// Ends it.
    public func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
