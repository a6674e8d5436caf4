import Glibc

/// C texts that live as long as this.
@safe final class CTexts {
    private var kept: [UnsafeMutablePointer<CChar>] = unsafe []

    func keep(_ text: String) -> UnsafePointer<CChar>? {
        guard let copy = unsafe strdup(text) else { return nil }
        unsafe kept.append(copy)
        return unsafe UnsafePointer(copy)
    }

    // Some of them are secrets.
    deinit {
        for index in unsafe kept.indices {
            unsafe explicit_bzero(kept[index], strlen(kept[index]))
            unsafe free(kept[index])
        }
    }
}
