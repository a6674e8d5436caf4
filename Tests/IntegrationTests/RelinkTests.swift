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
        }
        // Objects are what it links: without the one of `main` nothing comes out, wherever the build's own lies.
        let scratch = try ScratchDirectory("relink")
        let place = "\(scratch.path)/launch"
        try ProgramRun.copy("\(left)/substrate-launch", to: place)
        let objects = try String(contentsOfFile: "\(place)/objects.list", encoding: .utf8)
        let cut = objects.split(separator: "\n").filter { !$0.contains("main.swift.o") }.joined(separator: "\n")
        try cut.write(toFile: "\(place)/objects.list", atomically: false, encoding: .utf8)
        #expect(try await ProgramRun.run("\(place)/link", []).code != 0)
    }
}
