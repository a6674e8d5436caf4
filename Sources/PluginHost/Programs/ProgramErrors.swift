import Glibc
import SystemLayer

/// What a program wrote of its failure into a log of its own, where its standard error says no more than that it failed.
enum ProgramErrors {
    /// The last lines that tell an error, on one line.
    ///
    /// - Parameters:
    ///   - place: the actor's directory, and the file's path below it.
    ///   - begin: when the program began, in seconds since 1970: an older file is of another one.
    /// - Returns: at most three of them with `; ` between; empty without any.
    static func last(_ place: (directory: String, path: String), since begin: Int) -> [UInt8] {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        guard let file = try? BeneathPath.open(place.path, beneath: place.directory, flags: flags) else { return [] }
        var about = stat()
        guard unsafe fstat(file.rawValue, &about) == 0, about.st_mode & S_IFMT == S_IFREG,
            about.st_mtim.tv_sec >= begin
        else { return [] }
        _ = lseek(file.rawValue, max(0, about.st_size - limit), SEEK_SET)
        guard let bytes = try? readSome(limit, from: file.rawValue) else { return [] }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let errors = lines.filter { $0.contains("Error") || $0.contains("error:") }.suffix(3)
        return Array(errors.map { $0.drop { $0 == " " } }.joined(separator: "; ").utf8)
    }

    private static let limit = 64 << 10
}
