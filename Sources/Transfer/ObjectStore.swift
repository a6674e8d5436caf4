public import HostErrors

/// What a store says of one object.
public struct StoredObject: Sendable, Equatable {
    /// Its name below the bucket.
    public var key: String
    /// Its size in bytes.
    public var size: Int64
    /// When it was written last, in seconds since 1970.
    public var modified: Int64
    /// Makes one.
    public init(key: String, size: Int64, modified: Int64) {
        self.key = key
        self.size = size
        self.modified = modified
    }
}

/// One bucket of objects: the whole of what snapshots ask of a store.
///
/// An object is there whole or not at all. Every call blocks, and may be made on several threads at once.
public protocol ObjectStore: Sendable {
    /// The bucket's URI, for people.
    var name: String { get }
    /// How many calls at once make it faster.
    var width: Int { get }
    /// What the store says of an object; nil where there is none.
    func head(_ key: String) throws(HostError) -> StoredObject?
    /// The whole of a small object.
    ///
    /// - Throws: NOT_FOUND; RESOURCE_EXHAUSTED where it has more than `limit` bytes.
    func read(_ key: String, limit: Int) throws(HostError) -> [UInt8]
    /// A large object, part by part in order; what the taker throws ends it.
    ///
    /// - Throws: NOT_FOUND, or what `take` threw.
    func stream(_ key: String, _ take: ([UInt8]) throws(HostError) -> Void) throws(HostError)
    /// Writes one object, replacing what is there; durable when it returns.
    func put(_ key: String, _ bytes: [UInt8]) throws(HostError)
    /// Begins an object whose size is not known yet.
    func upload(_ key: String) throws(HostError) -> any ObjectUpload
    /// Begins to write many small objects.
    func batch() throws(HostError) -> any ObjectBatch
    /// Everything whose key begins so, in no order.
    func list(_ prefix: String) throws(HostError) -> [StoredObject]
    /// Removes one; what is absent is fine.
    func delete(_ key: String) throws(HostError)
    /// The same bucket, for somebody who may want it no more: what takes its time asks.
    func heeding(_ isCancelled: @escaping @Sendable () -> Bool) -> any ObjectStore
}

extension ObjectStore {
    /// Itself: of a store whose calls are short.
    public func heeding(_ isCancelled: @escaping @Sendable () -> Bool) -> any ObjectStore { self }
}

/// An object in the making, of one thread.
public protocol ObjectUpload: AnyObject {
    /// Adds bytes.
    func write(_ bytes: [UInt8]) throws(HostError)
    /// Makes the object appear, durable.
    func commit() throws(HostError)
    /// Forgets what was written.
    func abort()
}

/// Many small objects in the making, by any thread.
public protocol ObjectBatch: Sendable {
    /// Adds one.
    func put(_ key: String, _ bytes: [UInt8]) throws(HostError)
    /// Makes all that were added durable and visible; also worth it after a failure, for whoever tries again.
    func commit() throws(HostError)
}

/// What an object may be called: so that it is a file's path below a bucket's directory, and no other.
public enum ObjectKey {
    /// Refuses what leaves the bucket.
    ///
    /// - Throws: INVALID_ARGUMENT.
    public static func validate(_ key: String) throws(HostError) {
        guard isName(key.utf8) else {
            throw HostError(
                .invalidArgument,
                .snapshotStore,
                "object name \"\(key.prefix(120))\" is none: write parts of 1 to 255 bytes, none of them . or .."
            )
        }
    }

    /// By bytes, in one walk: a snapshot of a gigabyte has tens of thousands of names.
    private static func isName(_ bytes: String.UTF8View) -> Bool {
        var (length, dots) = (0, 0)
        func isPart() -> Bool { (1...255).contains(length) && (dots < length || dots > 2) }
        for byte in bytes {
            if byte == UInt8(ascii: "/") {
                guard isPart() else { return false }
                (length, dots) = (0, 0)
                continue
            }
            guard byte >= 0x20, byte != 0x7F else { return false }
            length += 1
            if byte == UInt8(ascii: ".") { dots += 1 }
        }
        return isPart() && bytes.count <= 1024
    }
}
