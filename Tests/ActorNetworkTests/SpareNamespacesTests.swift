import Foundation
import SystemLayer
import TestSupport
import Testing

@testable import ActorNetwork

@Suite("Spare namespaces", .enabled(if: TestMachine.needs(TestMachine.isRoot), "needs root"), .timeLimit(.minutes(1)))
struct SpareNamespacesTests {
    private func waitForSpare(_ spares: SpareNamespaces) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while !spares.hasSpare {
            try #require(ContinuousClock.now < deadline, "no spare namespace came")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test("the spare is taken, another comes, and without one a fresh one is made; none is another's")
    func taken() async throws {
        let scratch = try Scratch()
        let paths = (0..<3).map { scratch.path + "-\($0)" }
        defer { for path in paths { try? ActorNamespace.remove(at: path) } }
        let spares = SpareNamespaces()
        try await waitForSpare(spares)
        try spares.create(at: paths[0], hasInterface: false)
        #expect(!spares.hasSpare)
        try spares.create(at: paths[1], hasInterface: false)
        try await waitForSpare(spares)
        try spares.create(at: paths[2], hasInterface: false)
        let numbers = try paths.map {
            try #require(FileManager.default.attributesOfItem(atPath: $0)[.systemFileNumber] as? Int)
        }
        #expect(Set(numbers).count == 3)
        // Each is whole: the loopback answers in it (nobody listens).
        for path in paths {
            #expect(throws: SyscallError("connect", 111)) {
                _ = try ActorNamespace.dial(path: path, port: 9, timeoutMilliseconds: 5000)
            }
        }
    }
}
