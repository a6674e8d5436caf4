import Foundation
import Testing

/// The bridge under AddressSanitizer: attacks at every byte limit, and the three fuzz targets.
///
/// `SUBSTRATE_FUZZ_RUNS` makes the fuzzing longer; the seeds are counted from 1, so that a run can be repeated.
@Suite struct SanitizerTests {
    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let library = "/usr/lib/\(machine)-linux-gnu/liblua5.4.a"
    #if arch(x86_64)
    private static let machine = "x86_64"
    #else
    private static let machine = "aarch64"
    #endif

    static let compiler: String? = {
        guard FileManager.default.fileExists(atPath: library) else { return nil }
        let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/opt/swift/usr/bin"]
        for path in paths {
            let clang = "\(path)/clang"
            guard FileManager.default.isExecutableFile(atPath: clang) else { continue }
            let (status, words) = run(clang, ["-print-file-name=libclang_rt.asan-\(machine).a"])
            let (_, other) = run(clang, ["-print-runtime-dir"])
            let place = words.trimmingCharacters(in: .whitespacesAndNewlines)
            let runtime = other.trimmingCharacters(in: .whitespacesAndNewlines)
            if status == 0, place.hasPrefix("/") { return clang }
            for name in ["libclang_rt.asan-\(machine).a", "libclang_rt.asan.a"] {
                if FileManager.default.fileExists(atPath: "\(runtime)/\(name)") { return clang }
                if FileManager.default.fileExists(atPath: "\(runtime)/../linux/\(name)") { return clang }
            }
        }
        return nil
    }()

    @Test(.enabled(if: SanitizerTests.compiler != nil, "needs clang with its address sanitizer and liblua5.4.a"))
    func noFaultUnderAnyByteLimitNorFromAnyInput() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("asan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: directory) }
        let driver = directory.appendingPathComponent("driver").path
        let bridge = Self.here.appendingPathComponent("../../Sources/C/CLuaBridge").standardized
        let sources = try FileManager.default.contentsOfDirectory(atPath: bridge.path).filter { $0.hasSuffix(".c") }
        let compiler = try #require(Self.compiler)
        let (built, words) = Self.run(
            compiler,
            ["-std=gnu17", "-g", "-O1", "-fsanitize=address", "-I\(bridge.path)/include"]
                + [Self.here.appendingPathComponent("Sanitizer/driver.c").path]
                + sources.map { bridge.appendingPathComponent($0).path } + [Self.library, "-lm", "-o", driver]
        )
        try #require(built == 0, "\(words)")

        // A driver that could not see a fault would prove nothing.
        #expect(Self.run(driver, ["broken"]).status == 1)
        // Scripts of 3xx end by the deadline alone.
        let attacks = Self.here.appendingPathComponent("Attacks")
        let scripts = try FileManager.default.contentsOfDirectory(atPath: attacks.path)
            .filter { $0.hasSuffix(".lua") && !$0.hasPrefix("3") }.sorted()
            .map { attacks.appendingPathComponent($0).path }
        #expect(scripts.count > 90)
        let runs = ProcessInfo.processInfo.environment["SUBSTRATE_FUZZ_RUNS"] ?? "150"
        let work =
            [["sweep", "32000", "332000", runs == "150" ? "150000" : "10000"]]
            + ["load", "values", "json", "replies"].map { ["fuzz", $0, runs, "1"] }
        for arguments in work {
            let (status, report) = Self.run(driver, arguments + scripts)
            #expect(status == 0, "\(arguments.joined(separator: " ")): \(report)")
            #expect(report.contains(" 0 bad"), "\(report)")
        }
    }

    /// A program's status and everything it said.
    private static func run(_ program: String, _ arguments: [String]) -> (status: Int32, words: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=1:exitcode=86"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        guard (try? process.run()) != nil else { return (-1, "cannot be run") }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes.suffix(4000), as: UTF8.self))
    }
}
