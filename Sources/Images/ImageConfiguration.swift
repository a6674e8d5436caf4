import HostErrors

/// What an image says about the program in it.
///
/// - Source: OCI image-spec v1.1, config.md.
public struct ImageConfiguration: Sendable, Equatable {
    /// The program and its first arguments; empty where the image names none.
    public var entrypoint: [String] = []
    /// Further arguments, or the program where there is no entry point.
    public var command: [String] = []
    /// The environment, as `NAME=value`, in the image's order.
    public var environment: [String] = []
    /// Where the program starts; `/` where the image does not say.
    public var workingDirectory = "/"
    /// Whom it runs as, as written: `user`, `uid`, `user:group`, `uid:gid`; empty is root.
    public var user = ""
    /// The machine that it was built for, such as `amd64`; empty where the image does not say.
    public var architecture = ""

    /// An image that says nothing.
    public init() {}

    private struct Document: Decodable {
        struct Inner: Decodable {
            var Entrypoint: [String]?
            var Cmd: [String]?
            var Env: [String]?
            var WorkingDir: String?
            var User: String?
        }
        var config: Inner?
        var architecture: String?
    }

    /// Reads an image's configuration.
    ///
    /// - Parameters:
    ///   - bytes: the whole document.
    ///   - name: for the error's text.
    /// - Throws: INVALID_ARGUMENT for what is none, or holds what no program can be given.
    init(_ bytes: [UInt8], named name: String) throws(HostError) {
        let document: Document = try decodeDocument(bytes, name)
        entrypoint = document.config?.Entrypoint ?? []
        command = document.config?.Cmd ?? []
        environment = (document.config?.Env ?? []).filter { $0.contains("=") && !$0.hasPrefix("=") }
        user = document.config?.User ?? ""
        architecture = document.architecture ?? ""
        if let directory = document.config?.WorkingDir, !directory.isEmpty {
            workingDirectory = directory.hasPrefix("/") ? directory : "/\(directory)"
        }
        let texts = entrypoint + command + environment + [user, workingDirectory]
        guard !texts.contains(where: { $0.utf8.contains(0) }), texts.reduce(0, { $0 + $1.utf8.count }) <= 1 << 20,
            !workingDirectory.split(separator: "/").contains("..")
        else {
            throw HostError(.invalidArgument, .image, "\(name) holds a NUL, a \"..\" or more than 1 MiB of words")
        }
    }
}
