import Glibc
public import HostErrors
import SystemLayer

/// The image of whatever is tried on this machine: the counter of the examples, with busybox.
public enum ProbeImage {
    /// Builds it as `examples/counter/build-image` does.
    ///
    /// - Parameters:
    ///   - directory: an existing one.
    ///   - companions: the directory of the host's programs: the example is found from there.
    /// - Returns: its reference.
    /// - Throws: what is missing, and how to get it.
    public static func build(in directory: String, companions: String) throws(HostError) -> String {
        let places = ["/bin/busybox", "/usr/bin/busybox"]
        guard places.contains(where: { (path: String) in unsafe access(path, X_OK) == 0 }) else {
            throw HostError(
                .failedPrecondition,
                .machine,
                "the programs inside are busybox's: apt-get install busybox-static"
            )
        }
        let builder = try find(from: companions)
        var plan = SpawnPlan(program: builder, arguments: ["build-image", "\(directory)/image"])
        plan.environment = ["PATH=/usr/local/bin:/usr/bin:/bin:/opt/swift/usr/bin"]
        plan.descriptors = [(child: 2, parent: 2)]
        plan.newSession = false
        let status: ExitStatus?
        do throws(SyscallError) { status = try spawn(plan).wait() } catch {
            throw HostError(.failedPrecondition, .machine, "\(builder) cannot be run: \(error)")
        }
        guard status == .exited(0) else {
            throw HostError(
                .failedPrecondition,
                .machine,
                "\(builder) failed (\(status.map { "\($0)" } ?? "unknown")): it needs python3 and a C compiler with static libc"
            )
        }
        return "oci:\(directory)/image:counter"
    }

    private static func find(from companions: String) throws(HostError) -> String {
        var directory = companions
        while !directory.isEmpty {
            for place in ["\(directory)/examples/counter", "\(directory)/share/substrate-host/examples/counter"]
            where unsafe access("\(place)/build-image", X_OK) == 0 { return "\(place)/build-image" }
            directory = directory.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        }
        throw HostError(
            .notFound,
            .machine,
            "examples/counter/build-image is neither in a checkout around \(companions) nor installed"
        )
    }
}
