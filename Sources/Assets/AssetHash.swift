public import HostErrors

/// Checks that a text is the SHA-256 of an asset, before any file is looked at.
///
/// - Parameter sha256: 64 hex digits of either case.
/// - Throws: INVALID_ARGUMENT.
/// - Source: contract §2.1 step 1, §2.3 `ValidateAssetHash`.
public func validateAssetHash(_ sha256: String) throws(HostError) {
    let count = sha256.utf8.count
    guard count == 64 else {
        throw HostError(.invalidArgument, .asset, "invalid asset sha256 hash: want 64 hex chars, got \(count)")
    }
    for byte in sha256.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: continue
        default: throw HostError(.invalidArgument, .asset, "invalid asset sha256 hash: must be hex")
        }
    }
}
