import HostErrors

/// An object in parts: what is smaller than one part is written at once.
///
/// - Source: Amazon S3 API reference, "Multipart upload".
final class BucketUpload: ObjectUpload {
    private let store: BucketStore
    private let key: String
    private var waiting: [UInt8] = []
    private var upload: String?
    private var tags: [String] = []

    init(_ store: BucketStore, _ key: String) {
        self.store = store
        self.key = key
    }

    func write(_ bytes: [UInt8]) throws(HostError) {
        waiting += bytes
        while waiting.count >= BucketStore.partBytes {
            try send(Array(waiting[..<BucketStore.partBytes]))
            waiting.removeFirst(BucketStore.partBytes)
        }
    }

    func commit() throws(HostError) {
        guard let upload else { return try store.put(key, waiting) }
        if !waiting.isEmpty { try send(waiting) }
        waiting = []
        let parts = tags.enumerated()
            .map { "<Part><PartNumber>\($0 + 1)</PartNumber><ETag>\(BucketXML.escaped($1))</ETag></Part>" }
        let list = "<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>"
        let answer = try store.call("POST", key, query: [("uploadId", upload)], body: Array(list.utf8))
        // A failure that comes after the headers were sent is told in the body.
        guard !BucketXML.values("ETag", in: String(decoding: answer.body, as: UTF8.self)).isEmpty else {
            throw HostError(.unavailable, .snapshotStore, "\(store.name)/\(key): its parts were not put together")
        }
    }

    func abort() {
        waiting = []
        // Its parts cost money until they are forgotten: also where the upload was cancelled.
        let store = store.cancelled { false }
        if let upload { _ = try? store.call("DELETE", key, query: [("uploadId", upload)]) }
    }

    private func send(_ part: [UInt8]) throws(HostError) {
        let number = tags.count + 1
        let upload = try begun()
        let answer = try store.call(
            "PUT",
            key,
            query: [("partNumber", "\(number)"), ("uploadId", upload)],
            body: part
        )
        guard let tag = answer.headers["etag"] else {
            throw HostError(.unavailable, .snapshotStore, "\(store.name)/\(key): a part was answered without an ETag")
        }
        tags.append(tag)
    }

    private func begun() throws(HostError) -> String {
        if let upload { return upload }
        let answer = try store.call("POST", key, query: [("uploads", "")])
        let text = String(decoding: answer.body, as: UTF8.self)
        guard let id = BucketXML.values("UploadId", in: text).first.map(BucketXML.text), !id.isEmpty else {
            throw HostError(.unavailable, .snapshotStore, "\(store.name)/\(key): no upload was begun")
        }
        upload = id
        return id
    }
}

/// The little of XML that a bucket's answers are: elements without attributes that we read.
enum BucketXML {
    /// What each element of that name holds, as it is written.
    static func values(_ name: String, in text: String) -> [String] {
        let bytes = Array(text.utf8)
        let (opening, closing) = (Array("<\(name)>".utf8), Array("</\(name)>".utf8))
        var found: [String] = []
        var at = 0
        while let start = position(of: opening, in: bytes, from: at) {
            let first = start + opening.count
            guard let end = position(of: closing, in: bytes, from: first) else { break }
            found.append(String(decoding: bytes[first..<end], as: UTF8.self))
            at = end + closing.count
        }
        return found
    }

    private static func position(of mark: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        var at = start
        while at + mark.count <= bytes.count {
            if bytes[at] == mark[0], bytes[at..<(at + mark.count)].elementsEqual(mark) { return at }
            at += 1
        }
        return nil
    }

    /// What a written text means.
    static func text(_ written: String) -> String {
        var text = ""
        var rest = written[...]
        while let amp = rest.firstIndex(of: "&"), let end = rest[amp...].firstIndex(of: ";") {
            text += rest[..<amp]
            let name = rest[rest.index(after: amp)..<end]
            switch name {
            case "amp": text += "&"
            case "lt": text += "<"
            case "gt": text += ">"
            case "quot": text += "\""
            case "apos": text += "'"
            default:
                let isHex = name.hasPrefix("#x")
                let number = UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10)
                if name.hasPrefix("#"), let number, let scalar = Unicode.Scalar(number) {
                    text.unicodeScalars.append(scalar)
                } else {
                    text += rest[amp...end]
                }
            }
            rest = rest[rest.index(after: end)...]
        }
        return text + rest
    }

    /// A text as it is written.
    static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}

/// Times as servers write them.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Tue, 30 Jun 2026 17:22:15 GMT` or `2026-06-30T17:22:15.000Z`, in seconds since 1970.
    static func parse(_ text: String) -> Int64? {
        var numbers: [Int64]
        if let comma = text.firstIndex(of: ",") {
            let words = text[text.index(after: comma)...].split { $0 == " " || $0 == ":" }.map(String.init)
            guard words.count >= 6, let month = months.firstIndex(of: words[1]) else { return nil }
            let rest = [words[2], "\(month + 1)", words[0], words[3], words[4], words[5]]
            numbers = rest.compactMap { Int64($0) }
        } else {
            numbers = text.split { !$0.isNumber }.prefix(6).compactMap { Int64($0) }
        }
        guard numbers.count == 6, (1...12).contains(numbers[1]), (0...9999).contains(numbers[0]) else { return nil }
        // Days since 1970 of the Gregorian calendar, counted from March, so that a leap day is the last of its year.
        let year = numbers[1] < 3 ? numbers[0] - 1 : numbers[0]
        let month = (numbers[1] + 9) % 12
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + numbers[2] - 719_469
        guard (0...31).contains(numbers[2]), numbers[3...].allSatisfy({ (0...60).contains($0) }) else { return nil }
        return ((days * 24 + numbers[3]) * 60 + numbers[4]) * 60 + numbers[5]
    }
}
