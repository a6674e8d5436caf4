import Glibc
import SystemLayer

/// A runtime's own commands, run by hand: `plugins/NAME/bare` says which.
struct BareCommands {
    private let program: String
    private let image: String
    private let scratch: String

    init(_ backend: String, _ image: String, _ scratch: String) throws {
        program = try Place.inCheckout("plugins/\(backend)/bare")
        self.image = image
        self.scratch = scratch
    }

    /// Milliseconds of Run, Checkpoint and Restore; then, with memory to fill, of compressing the image and of
    /// decompressing it.
    func times(filling memory: String = "") throws -> [Double] {
        let path = "\(scratch)/bare.out"
        let output = OwnedFD(unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        let words =
            ["bare", String(image.dropFirst(4).prefix { $0 != ":" }), scratch] + (memory.isEmpty ? [] : [memory])
        var plan = SpawnPlan(program: program, arguments: words)
        plan.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        plan.descriptors = [(child: 1, parent: output.rawValue), (child: 2, parent: 2)]
        guard try spawn(plan).wait() == .exited(0) else { throw BenchFailure("\(program) failed") }
        let numbers = (TextFile.read(path) ?? "").split(separator: "\n").compactMap { Double($0) }
        let wanted = memory.isEmpty ? 3 : 5
        guard numbers.count == wanted else {
            throw BenchFailure("\(program) gave \(numbers.count) numbers, not \(wanted)")
        }
        return numbers
    }
}
