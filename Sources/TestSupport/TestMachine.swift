import Foundation
import Glibc
import SystemLayer

/// The machine that tests run on, and the build they belong to.
public enum TestMachine {
    /// Whether this is CI, where a missing tool is a failure and never a skip.
    public static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"
    /// Whether tests may confine actors.
    public static let isRoot = geteuid() == 0
    /// The directory of the built programs.
    public static let products = URL(
        fileURLWithPath: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    ).deletingLastPathComponent().path
    /// The checkout that this was built from.
    public static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    /// The names of the backends that the checkout ships, in order.
    public static let shippedBackends =
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(checkout)/plugins")) ?? [])
        .sorted()
    /// The host's binary.
    public static let host = "\(products)/substrate-host"
    /// Whether this machine's Python has a gRPC of its own; asked once.
    public static let hasForeignClient =
        (try? ProgramRun.wait(
            "/usr/bin/env",
            ["python3", "-c", "import grpc, grpc_tools, grpc_reflection"],
            patience: 30
        ))?.code == 0

    /// Whether lua-language-server is here; no registry that this project may use has it, so that CI skips too.
    public static let hasLuaLanguageServer =
        (try? ProgramRun.wait("/usr/bin/env", ["sh", "-c", "command -v lua-language-server"], patience: 10))?.code == 0

    /// The condition of a test that needs something: what is missing is skipped by a person and fails in CI.
    ///
    /// - Parameter isPresent: whether it is there.
    /// - Returns: whether the test is to run.
    public static func needs(_ isPresent: Bool) -> Bool { isPresent || isCI }

    /// As the other, for a program.
    ///
    /// - Parameter program: its absolute path.
    /// - Returns: whether the test is to run.
    public static func needs(_ program: String) -> Bool { needs(unsafe access(program, X_OK) == 0) }
}

/// Why a test cannot go on.
public struct TestFailure: Error, CustomStringConvertible {
    /// In words.
    public let description: String

    /// Says why.
    ///
    /// - Parameter description: in words.
    public init(_ description: String) { self.description = description }
}

/// Asks until there is an answer.
///
/// - Parameters:
///   - what: for the failure's text.
///   - seconds: how long to ask.
///   - ask: answers nil as long as it is not so.
/// - Returns: the answer.
/// - Throws: `TestFailure` after the time, or what `ask` throws.
@discardableResult
public func eventually<Value>(_ what: String, seconds: Int = 20, _ ask: () async throws -> Value?) async throws -> Value
{
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let value = try await ask() { return value }
        guard ContinuousClock.now < deadline else { throw TestFailure("not within \(seconds) s: \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
