/// A directory or file of this machine that the operator shows to every container: `HOST:TARGET[:ro]`.
public struct OperatorMount: Sendable, Hashable {
    /// A text that is no mount: why, and what would be one.
    public struct Fault: Error, Equatable, Sendable {
        /// One line.
        public let text: String
    }
    /// Where it is on this machine.
    public let source: String
    /// Where the containers see it.
    public let target: String
    /// Whether writes are refused with EROFS.
    public let isReadOnly: Bool

    /// Where the containers have what the host made for them.
    private static let reserved = ["/run/ate", "/proc", "/sys", "/dev"]

    /// Reads one.
    ///
    /// - Parameter text: as the operator wrote it.
    /// - Throws: what is wrong with it; whether the source is there is not asked.
    public init(_ text: String) throws(Fault) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let form = "write HOST:TARGET or HOST:TARGET:ro, such as /srv/models:/models:ro"
        guard parts.count == 2 || parts.count == 3 else { throw Fault(text: "mount \"\(text)\": \(form)") }
        guard parts.count == 2 || ["ro", "rw"].contains(parts[2]) else {
            throw Fault(text: "mount \"\(text)\" ends in \"\(parts[2])\": \(form)")
        }
        if let fault = Self.fault(parts[0]) { throw Fault(text: "mount \"\(text)\": HOST \(fault); \(form)") }
        if let fault = Self.fault(parts[1]) { throw Fault(text: "mount \"\(text)\": TARGET \(fault); \(form)") }
        source = parts[0]
        target = parts[1]
        isReadOnly = parts.last == "ro" && parts.count == 3
        let mine = target
        if let place = Self.reserved.first(where: { Self.covers($0, mine) || Self.covers(mine, $0) }) {
            throw Fault(text: "mount \"\(text)\": TARGET \(target) meets \(place), which the host makes; use another")
        }
    }

    /// What is wrong between two mounts of one list; nil = nothing.
    ///
    /// - Parameter earlier: one that stands before it.
    /// - Returns: one line without the mounts' own texts at its end.
    public func fault(beside earlier: OperatorMount) -> String? {
        if target == earlier.target { return "TARGET \(target) is taken by \(earlier.text)" }
        if Self.covers(target, earlier.target) || Self.covers(earlier.target, target) {
            return "TARGET \(target) is nested with that of \(earlier.text)"
        }
        // Who writes in a directory chooses what the names below it mean.
        let (mine, other) = (source, earlier.source)
        if !isReadOnly && Self.covers(mine, other) || !earlier.isReadOnly && Self.covers(other, mine) {
            return "HOST \(source) is nested with that of \(earlier.text), and an actor may write there"
        }
        return nil
    }

    /// As it is written.
    public var text: String { "\(source):\(target)\(isReadOnly ? ":ro" : "")" }

    /// Whether a path of a container is its target, above it or beneath it.
    public func meets(_ path: String) -> Bool { Self.covers(path, target) || Self.covers(target, path) }

    /// Whether a path is another one or beneath it.
    static func covers(_ path: String, _ other: String) -> Bool { other == path || other.hasPrefix(path + "/") }

    private static func fault(_ path: String) -> String? {
        if path.split(separator: "/").contains("..") { return "\(path) holds a .. segment" }
        return Validation.mountPathFault(path).map { "\"\(path)\" \($0)" }
    }
}
