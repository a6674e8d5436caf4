import PluginHost
import Telemetry

extension ConformanceReport {
    /// The report as one JSON object, which ends with a line feed.
    public var json: String {
        let quoted = JSONText.quoted
        func list(_ items: [String]) -> String { "[\(items.joined(separator: ","))]" }
        func object(_ failure: Failure) -> String {
            let line = failure.line.map { "\(ScriptPlaces.number($0))" } ?? "null"
            return "{\"name\":\(quoted(failure.name)),\"text\":\(quoted(failure.text)),\"line\":\(line),"
                + "\"mend\":\(quoted(failure.mend))}"
        }
        let checks = contract.map { outcome in
            "{\"name\":\(quoted(outcome.name)),\"shows\":\(quoted(outcome.shows)),\"passed\":\(outcome.failure == nil),"
                + "\"failure\":\(outcome.failure.map(object) ?? "null")}"
        }
        let passed = contract.count { $0.failure == nil }
        return """
            {"backend":\(quoted(backend)),"path":\(quoted(path)),"sha256":\(quoted(sha256)),"api":\(api),\
            "scopes":\(list(scopes.map(quoted))),"conforms":\(conforms),"milliseconds":\(milliseconds),\
            "contract":{"total":\(contract.count),"passed":\(passed),"checks":\(list(checks)),\
            "not_applicable":\(list(skipped.map(quoted)))},\
            "faults":{"tried":\(hasFaults),"calls":\(calls),"total":\(faults),"passed":\(faults - faultFailures.count),\
            "failures":\(list(faultFailures.map(object)))},\
            "kills":{"total":\(kills),"converged":\(kills - killFailures.count),\
            "failures":\(list(killFailures.map(object)))},"unmet":\(unmet),\
            "leaks":\(list(leaks.map(object)))}

            """
    }
}
