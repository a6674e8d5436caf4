import SystemLayer

/// The credentials and the region of a profile of AWS, where the variables say neither.
///
/// - Source: contract §1.1 "standard AWS_*"; AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
public enum AWSProfile {
    /// The variables that say which files and which profile.
    public static let variables = [
        "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
    ]

    /// Adds what the files say; blocks.
    ///
    /// A variable wins over a file, and the file of credentials over that of settings. Programs that a file names are not
    /// run. A file that is not there says nothing.
    /// - Parameter environment: with `HOME` and the `variables`.
    /// - Returns: it, completed.
    public static func completing(_ environment: [String: String]) -> [String: String] {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let home = variable("HOME")
        let name = variable("AWS_PROFILE") ?? variable("AWS_DEFAULT_PROFILE") ?? "default"
        var found: [String: String] = [:]
        for (file, usual, isConfig) in [
            ("AWS_CONFIG_FILE", "config", true), ("AWS_SHARED_CREDENTIALS_FILE", "credentials", false),
        ] {
            guard let path = variable(file) ?? home.map({ "\($0)/.aws/\(usual)" }), let text = TextFile.read(path)
            else { continue }
            // In the file of settings every profile but the usual one has a word before its name.
            let section = isConfig && name != "default" ? "profile \(name)" : name
            found.merge(values(text, section)) { $1 }
        }
        var completed = environment
        if variable("AWS_ACCESS_KEY_ID") == nil, variable("AWS_SECRET_ACCESS_KEY") == nil,
            let identity = found["aws_access_key_id"], let secret = found["aws_secret_access_key"]
        {
            completed["AWS_ACCESS_KEY_ID"] = identity
            completed["AWS_SECRET_ACCESS_KEY"] = secret
            // A token of the variables belongs to their key.
            completed["AWS_SESSION_TOKEN"] = found["aws_session_token"]
        }
        if variable("AWS_REGION") == nil, variable("AWS_DEFAULT_REGION") == nil, let region = found["region"] {
            completed["AWS_REGION"] = region
        }
        if variable("AWS_ENDPOINT_URL") == nil, variable("AWS_ENDPOINT_URL_S3") == nil, let url = found["endpoint_url"]
        {
            completed["AWS_ENDPOINT_URL"] = url
        }
        return completed
    }

    /// The values of one section; a deeper, indented one is of the name above it, and none of ours.
    static func values(_ text: String, _ section: String) -> [String: String] {
        var found: [String: String] = [:]
        var isOurs = false
        for line in text.split(whereSeparator: \.isNewline) {
            guard let first = line.first, !first.isWhitespace, first != "#", first != ";" else { continue }
            if first == "[" {
                let words = line.dropFirst().prefix { $0 != "]" }.split(whereSeparator: \.isWhitespace)
                isOurs = words.joined(separator: " ") == section
                continue
            }
            guard isOurs, let equals = line.firstIndex(of: "=") else { continue }
            let name = trimmed(line[..<equals]).lowercased()
            found[name] = trimmed(line[line.index(after: equals)...])
        }
        return found.filter { !$0.value.isEmpty }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
