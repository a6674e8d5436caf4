import Testing

/// A client that shares nothing with the host (Python grpcio, stubs made from the contract's field table) drives it.
@Suite(
    "A foreign client",
    .serialized,
    .enabled(if: ForeignHost.isRoot || ForeignHost.isCI, "actors are confined as root only"),
    .enabled(
        if: ForeignHost.hasClient || ForeignHost.isCI,
        "Python has no grpcio and grpcio-tools here: pip install grpcio grpcio-tools"
    )
)
struct ForeignClientTests {
    @Test("both dialects at once, over unix: and tcp:, go from Run to the continued counter")
    func tours() async throws {
        try await ForeignHost.with(["--contract=auto"]) { host in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (dialect, target) in [
                    ("june", host.unix), ("autumn", host.tcp), ("june", host.tcp), ("autumn", host.unix),
                ] {
                    group.addTask { try await host.client("tour", dialect, over: target) }
                }
                try await group.waitForAll()
            }
            #expect(try await host.command("actors", "--json").output == "[]\n")
        }
    }

    @Test("what is refused, with which code and reason, and what is not touched by it", arguments: ["june", "autumn"])
    func codes(dialect: String) async throws {
        try await ForeignHost.with(["--contract=\(dialect)"]) { host in
            try await host.client("codes", dialect, over: host.unix)
        }
    }
}
