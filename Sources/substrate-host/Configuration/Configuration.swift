import Glibc
import HostErrors
import PluginOverlays
import SystemLayer

/// `substrate.yaml`, read and checked: only what it says, no defaults.
struct Configuration: Equatable, Sendable {
    /// What a plain key was given.
    struct Value: Equatable, Sendable {
        /// One text, or one for each item of a list.
        let texts: [String]
        /// Where its key stands.
        let line: Int
    }

    /// The file; nil when there is none.
    var path: String?
    /// The plain keys by dotted name.
    var values: [String: Value] = [:]
    /// `overlays.sources`.
    var sources: [PluginSource] = []
    /// Where `overlays.sources` stands.
    var sourcesLine = 0
    /// `backends`, by name.
    var backends: [String: BackendSettings] = [:]

    /// Where a plain key was set in the file.
    func origin(_ key: String) -> SettingOrigin? {
        guard let path, let value = values[key] else { return nil }
        return .file(path, line: value.line)
    }

    /// A file that cannot be obeyed: every mistake, each with file and line.
    struct Mistakes: Error, Equatable { let lines: [String] }

    /// Reads the file that was named, or the first of the usual ones that exists, or none.
    ///
    /// - Parameters:
    ///   - named: the value of `--config`.
    ///   - environment: says which ones are usual.
    /// - Returns: what it says; empty where there is no file.
    /// - Throws: every mistake at once.
    static func find(_ named: String?, environment: Environment) throws(Mistakes) -> Configuration {
        if let named { return try read(environment.absolute(named), environment: environment) }
        for path in environment.configurationFiles where unsafe access(path, F_OK) == 0 {
            return try read(path, environment: environment)
        }
        return Configuration()
    }

    /// Reads one file.
    static func read(_ path: String, environment: Environment) throws(Mistakes) -> Configuration {
        let bytes: [UInt8]
        do throws(SyscallError) {
            let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
            guard number >= 0 else { throw SyscallError("open", errno) }
            let file = OwnedFD(number)
            bytes = try readAll(from: file.rawValue, limit: YAMLDocument.byteLimit)
        } catch {
            throw Mistakes(lines: ["\(path): cannot be read: \(error)"])
        }
        return try parse(bytes, path: path, environment: environment)
    }

    /// Reads the text of a file.
    static func parse(_ bytes: [UInt8], path: String, environment: Environment) throws(Mistakes) -> Configuration {
        let root: YAMLNode
        do throws(HostError) { root = try YAMLDocument.parse(bytes) } catch {
            // libyaml's place is in the message: "YAML line N: what".
            let words = error.message.split(separator: " ", maxSplits: 3).map(String.init)
            guard words.count == 4, words[0] == "YAML", words[1] == "line" else {
                throw Mistakes(lines: ["\(path): \(error.message)"])
            }
            throw Mistakes(lines: ["\(path):\(words[2]) \(words[3])"])
        }
        var reader = ConfigurationReader(path: path, environment: environment)
        reader.read(root)
        guard reader.mistakes.isEmpty else { throw Mistakes(lines: reader.mistakes) }
        return reader.result
    }
}
