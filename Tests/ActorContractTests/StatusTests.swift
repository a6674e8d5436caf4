import ActorContract
import Testing

@Suite struct StatusTests {
    @Test func theTableOfMoves() {
        let table: [ActorStatus: Set<ActorStatus>] = [
            .created: [.pulling, .starting, .restoring, .stopped, .failed, .removing],
            .pulling: [.starting, .restoring, .stopped, .failed, .removing],
            .starting: [.ready, .stopped, .failed, .removing],
            .restoring: [.ready, .stopped, .failed, .removing],
            .ready: [.checkpointing, .stopped, .failed, .removing],
            .checkpointing: [.ready, .paused, .suspended, .stopped, .failed, .removing],
            .paused: [.created, .pulling, .starting, .restoring, .suspended, .removing],
            .suspended: [.created, .pulling, .starting, .restoring, .removing],
            .stopped: [.created, .pulling, .starting, .restoring, .removing],
            .failed: [.created, .pulling, .starting, .restoring, .removing],
            .removing: [.removed, .failed],
            .removed: [.created],
        ]
        for from in ActorStatus.allCases {
            for to in ActorStatus.allCases {
                #expect(from.canMove(to: to) == (table[from]?.contains(to) ?? false), "\(from) → \(to)")
            }
        }
    }

    @Test func onlyLiveActorsBecomeReadyOrFailByThemselves() {
        for status in ActorStatus.allCases where status.isLive {
            #expect(status.canMove(to: .failed) && status.canMove(to: .stopped) && status.canMove(to: .removing))
        }
        #expect(ActorStatus.allCases.filter(\.isLive).count == 6)
        for status in ActorStatus.allCases where !status.isLive { #expect(!status.canMove(to: .ready)) }
    }

    @Test func theWordsOfFailuresAreStable() {
        let words = FailureReason.allCases.map(\.rawValue)
        #expect(
            words == [
                "", "pull", "init", "config", "plugin", "policy", "readiness_timeout", "crashed", "out_of_memory",
                "rebooted",
                "unconfirmed",
            ]
        )
    }
}
