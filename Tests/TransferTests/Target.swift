import Foundation
import Glibc
import SystemLayer
import TestSupport

@testable import Transfer

/// A file that a test downloads to.
final class Target {
    private let scratch: ScratchDirectory
    private let descriptor: OwnedFD
    let file: DownloadFile
    init(limit: Int64 = 1 << 30) throws {
        scratch = try ScratchDirectory("transfer")
        let number = unsafe open("\(scratch.path)/file", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        descriptor = OwnedFD(number)
        file = DownloadFile(descriptor: number, limit: limit)
    }
    var bytes: [UInt8] {
        get throws { Array(try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/file"))) }
    }
}
