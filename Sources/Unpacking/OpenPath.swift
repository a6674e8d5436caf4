import Glibc

/// The open directories from the root to the one that was asked for last, so that its neighbours need no walk.
final class OpenPath {
    /// Deeper ones are walked to each time: descriptors are few.
    static let limit = 64

    private var names: [String] = []
    private var descriptors: [CInt] = []
    private var aside: CInt = -1

    deinit { forget() }

    /// Whether another directory can be added.
    var hasRoom: Bool { descriptors.count < Self.limit }

    /// Closes what does not lead to that directory.
    ///
    /// - Parameter parts: the directory's name, by components.
    /// - Returns: how many components are open, and the last of them, or nil.
    func cut(toward parts: [String]) -> (count: Int, last: CInt?) {
        var shared = 0
        // By bytes: to Swift two spellings of one letter are equal, to the kernel they are two names.
        while shared < min(names.count, parts.count), sameBytes(names[shared], parts[shared]) { shared += 1 }
        while descriptors.count > shared {
            if let last = descriptors.popLast() { _ = close(last) }
            names.removeLast()
        }
        return (shared, descriptors.last)
    }

    /// Adds the next one below the last; it is closed here.
    func push(_ name: String, _ descriptor: CInt) {
        names.append(name)
        descriptors.append(descriptor)
    }

    /// Keeps one that is not below the others until the next comes; it is closed here.
    func hold(_ descriptor: CInt) -> CInt {
        if aside >= 0 { _ = close(aside) }
        aside = descriptor
        return descriptor
    }

    /// Closes all: a directory is gone, and it may have been one of these.
    func forget() {
        for descriptor in descriptors { _ = close(descriptor) }
        if aside >= 0 { _ = close(aside) }
        (names, descriptors, aside) = ([], [], -1)
    }
}

/// Whether two names are one to the kernel.
func sameBytes(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }
