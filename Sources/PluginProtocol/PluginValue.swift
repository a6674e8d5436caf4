/// A value that crosses the supervisor's socket.
///
/// Text is valid UTF-8 without NUL where a row says text; `bytes` takes any byte. Maps have string keys and are sorted by
/// key when encoded, so that equal values have equal bytes.
public indirect enum PluginValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    case text(String)
    case bytes([UInt8])
    case list([PluginValue])
    case map([String: PluginValue])
    case handle(PluginHandle)
}

/// A thing of the host's that a script may name: dead when its verb ends.
public struct PluginHandle: Sendable, Hashable {
    /// Its place in the verb's table.
    public var index: UInt32
    /// How often that place was used before; a stale handle has an old one.
    public var generation: UInt32
    /// Makes one.
    public init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Set in the index of every asset's handle and of no process's: neither passes for the other.
    public static let assetMark: UInt32 = 1 << 31

    /// Whether it is an asset's.
    public var isAsset: Bool { index & Self.assetMark != 0 && self != .function }

    /// How the bridge sends a function of Lua's, which is no handle: refused wherever a handle is asked for.
    public static let function = PluginHandle(index: .max, generation: .max)
}
