import Foundation
import TestSupport
import Testing

@Suite("The static binaries")
struct RelinkTests {
    @Test("can be linked again from the objects that are left of them", .timeLimit(.minutes(2)))
    func relink() async throws {
        let build = (TestMachine.products as NSString).lastPathComponent
        let run = try await ProgramRun.run("\(TestMachine.checkout)/.ci/relink", [build])
        #expect(run.code == 0, "\(run.error)")
        let left = "\(TestMachine.checkout)/.build/relink"
        for product in ["substrate-supervisor", "substrate-launch", "substrate-unpack"] {
            #expect(run.output.contains("\(left)/\(product): "))
            let objects = try String(contentsOfFile: "\(left)/\(product)/objects.list", encoding: .utf8)
            #expect(objects.split(separator: "\n").count > 20)
            // A line that lacks an object must not link: the script does not take the build's own.
            let cut = objects.split(separator: "\n").filter { !$0.contains("main.swift.o") }.joined(separator: "\n")
            let scratch = try ScratchDirectory("relink")
            let files = FileManager.default
            try files.copyItem(atPath: "\(left)/\(product)/objects", toPath: "\(scratch.path)/objects")
            try files.copyItem(atPath: "\(left)/\(product)/link", toPath: "\(scratch.path)/link")
            try cut.write(toFile: "\(scratch.path)/objects.list", atomically: false, encoding: .utf8)
            #expect(try await ProgramRun.run("\(scratch.path)/link", []).code != 0)
        }
    }
}
