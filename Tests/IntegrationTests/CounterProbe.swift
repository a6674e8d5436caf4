import TestSupport
import Testing

@testable import substrate_host

/// Asks an actor's counter, as whoever published its port would.
enum CounterProbe {
    /// Its next durable value.
    static func data(_ host: TestHost, _ actor: String) async throws -> Int {
        try #require(CounterClient.data(try CounterClient.count(try await host.publish(actor))))
    }
}
