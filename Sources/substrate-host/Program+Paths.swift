extension Program {
    /// This executable's real path, whatever it was called by.
    static var path: String { Doctor.executablePath() }

    /// Where its companions are: beside it.
    static var directory: String {
        path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
    }
}
