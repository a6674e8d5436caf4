/// A program that waits for ever and does nothing else: what a sandbox runs where nobody brings a program for its root.
///
/// Made here so that nothing of the machine is shown inside; one loadable segment, no library, 156 bytes or less.
enum WaitingProgram {
    /// A static executable of this machine's kind.
    ///
    /// - Source: elf(5), 64 bit, little endian; pause(2), and ppoll(2) where there is no pause.
    static var bytes: [UInt8] {
        let size = UInt64(120 + code.count)
        var out: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        func add<Number: FixedWidthInteger>(_ number: Number) {
            for byte in 0..<(Number.bitWidth / 8) { out.append(UInt8(truncatingIfNeeded: number >> (8 * byte))) }
        }
        // The header: an executable of version 1 whose program headers follow at 64.
        add(UInt16(2))
        add(machine)
        add(UInt32(1))
        add(base + 120)
        add(UInt64(64))
        add(UInt64(0))
        add(UInt32(0))
        for value: UInt16 in [64, 56, 1, 64, 0, 0] { add(value) }
        // PT_LOAD, read and execute: the whole file.
        add(UInt32(1))
        add(UInt32(5))
        add(UInt64(0))
        add(base)
        add(base)
        add(size)
        add(size)
        add(UInt64(4096))
        return out + code
    }

    private static let base: UInt64 = 0x40_0000

    #if arch(x86_64)
    private static let machine: UInt16 = 62
    /// mov eax, 34 (pause); syscall; jmp to the beginning.
    private static let code: [UInt8] = [0xB8, 0x22, 0, 0, 0, 0x0F, 0x05, 0xEB, 0xF7]
    #else
    private static let machine: UInt16 = 183
    /// mov x0 to x4, 0; mov x8, 73 (ppoll); svc 0; b to the beginning.
    private static let code: [UInt8] = [
        0x00, 0x00, 0x80, 0xD2, 0x01, 0x00, 0x80, 0xD2, 0x02, 0x00, 0x80, 0xD2, 0x03, 0x00, 0x80, 0xD2,
        0x04, 0x00, 0x80, 0xD2, 0x28, 0x09, 0x80, 0xD2, 0x01, 0x00, 0x00, 0xD4, 0xF9, 0xFF, 0xFF, 0x17,
    ]
    #endif
}
