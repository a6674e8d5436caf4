import Glibc

/// Which addresses a stranger's URL may lead to: those that anybody on the Internet could ask as well.
///
/// - Source: IANA special-purpose address registries (RFC 6890), RFC 6052, RFC 3056.
enum AddressPolicy {
    /// Whether an address is on the public Internet.
    static func isPublic(_ address: UnsafePointer<sockaddr>) -> Bool {
        switch CInt(unsafe address.pointee.sa_family) {
        case AF_INET:
            return unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                isPublic(v4: unsafe UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            return unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                var place = unsafe pointer.pointee.sin6_addr
                return unsafe withUnsafeBytes(of: &place) { unsafe isPublic(v6: Array($0)) }
            }
        default: return false
        }
    }

    static func isPublic(v4 address: UInt32) -> Bool {
        let special: [(UInt32, UInt32)] = [
            (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0x7F00_0000, 8), (0xA9FE_0000, 16),
            (0xAC10_0000, 12), (0xC000_0000, 24), (0xC000_0200, 24), (0xC058_6300, 24), (0xC0A8_0000, 16),
            (0xC612_0000, 15), (0xC633_6400, 24), (0xCB00_7100, 24), (0xE000_0000, 3),
        ]
        return !special.contains { address >> (32 - $0.1) == $0.0 >> (32 - $0.1) }
    }

    static func isPublic(v6 bytes: [UInt8]) -> Bool {
        guard bytes.count == 16 else { return false }
        func embedded(_ at: Int) -> UInt32 { bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        // Only 2000::/3 is given out; of it 2001:db8::/32 is for examples, 2002::/16 and 2001::/32 lead elsewhere.
        if bytes[0] & 0xE0 == 0x20 {
            if bytes[0] == 0x20, bytes[1] == 0x01, bytes[2] == 0x0D, bytes[3] == 0xB8 { return false }
            if bytes[0] == 0x20, bytes[1] == 0x01, bytes[2] == 0, bytes[3] == 0 { return false }
            if bytes[0] == 0x20, bytes[1] == 0x02 { return isPublic(v4: embedded(2)) }
            return true
        }
        // 64:ff9b::/96 is IPv4 behind a translator; ::ffff:0:0/96 is IPv4 itself.
        if bytes.starts(with: [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]) { return isPublic(v4: embedded(12)) }
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) { return isPublic(v4: embedded(12)) }
        return false
    }

    /// The addresses of a host's name, as bytes with their family; none where it has none.
    static func addresses(of host: String) -> Set<[UInt8]> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &found) == 0 else { return [] }
        defer { unsafe freeaddrinfo(found) }
        var all: Set<[UInt8]> = []
        var next = unsafe found
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ai_addr { all.insert(unsafe key(address)) }
            unsafe next = entry.pointee.ai_next
        }
        return all
    }

    /// Family and address, without the port.
    static func key(_ address: UnsafePointer<sockaddr>) -> [UInt8] {
        let family = CInt(unsafe address.pointee.sa_family)
        if family == AF_INET {
            return unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                var place = unsafe pointer.pointee.sin_addr
                return unsafe [4] + withUnsafeBytes(of: &place) { unsafe Array($0) }
            }
        }
        guard family == AF_INET6 else { return [] }
        return unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
            var place = unsafe pointer.pointee.sin6_addr
            return unsafe [6] + withUnsafeBytes(of: &place) { unsafe Array($0) }
        }
    }
}
