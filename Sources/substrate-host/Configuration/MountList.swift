import ActorContract
import ActorLifecycle

/// `mounts` of the settings, or the `--mount` of one command line.
struct MountList {
    /// Those that are right.
    private(set) var mounts: [OperatorMount] = []
    /// What is wrong with the others, each in one line.
    private(set) var faults: [String] = []

    /// Reads and compares them, and looks whether they are there.
    init(_ texts: [String]) {
        for text in texts {
            do throws(OperatorMount.Fault) {
                let mount = try OperatorMount(text)
                let clash = mounts.lazy.compactMap { mount.fault(beside: $0) }.first
                if let fault = clash ?? mount.absence() { faults.append("mount \"\(text)\": \(fault)") }
                mounts.append(mount)
            } catch { faults.append(error.text) }
        }
    }
}
