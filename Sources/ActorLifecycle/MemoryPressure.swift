import SystemLayer

/// Whether this machine has memory to spare.
enum MemoryPressure {
    /// Between one look and the next.
    static let pause = Duration.seconds(2)

    /// Whether less than a twentieth of the machine's memory can be had without swapping; false where nobody says.
    ///
    /// - Source: proc_meminfo(5): MemAvailable is the kernel's own estimate.
    static func isShort() -> Bool {
        let text = TextFile.read(DebugSetting.memoryInformation ?? "/proc/meminfo") ?? ""
        var figures: [Substring: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 2, let number = Int(words[1]) { figures[words[0]] = number }
        }
        guard let total = figures["MemTotal:"], let available = figures["MemAvailable:"] else { return false }
        return available < total / 20
    }
}
