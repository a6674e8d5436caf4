import Foundation

/// The image of `examples/counter`, as a local OCI layout.
public enum CounterImage {
    /// Its reference; built once a run, among the other products of the build.
    ///
    /// - Returns: `oci:DIRECTORY:counter`.
    /// - Throws: when the example does not build.
    public static func reference() async throws -> String { try await shared.value }

    private static let shared = Task {
        try await build("\(TestMachine.checkout)/examples/counter", "\(TestMachine.products)/example-image")
    }

    /// Builds an image whose `/counter` is another program.
    ///
    /// - Parameters:
    ///   - source: in C.
    ///   - directory: an empty one to build in.
    /// - Returns: its reference.
    /// - Throws: when it does not build.
    public static func reference(source: String, in directory: String) async throws -> String {
        try ProgramRun.copy("\(TestMachine.checkout)/examples/counter/build-image", to: "\(directory)/build-image")
        try source.write(toFile: "\(directory)/counter.c", atomically: false, encoding: .utf8)
        return try await build(directory, "\(directory)/image")
    }

    private static func build(_ source: String, _ place: String) async throws -> String {
        let built = try await ProgramRun.run("\(source)/build-image", [place])
        guard built.code == 0 else { throw TestFailure("build-image: \(built.error)") }
        return built.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
