import Telemetry
import Testing

@Suite struct MetricsTests {
    @Test("counts, sums and gauges are told in one order, with what they mean")
    func text() {
        let metrics = Metrics()
        for code in ["OK", "ABORTED", "OK"] { metrics.answered("Run", code: code) }
        for time in [1500.0, 500.0] {
            var table = PhaseTable()
            table.add("run.program", milliseconds: time, program: true)
            table.add("total", milliseconds: time)
            metrics.spent(on: "run", table)
        }
        let text = metrics.text(gauges: [("substrate_actors", "Actors.", [(["status": "a\"b\\\n"], 3), ([:], 1)])])
        #expect(
            text == """
                # HELP substrate_calls_total Calls that were answered.
                # TYPE substrate_calls_total counter
                substrate_calls_total{code="ABORTED",method="Run"} 1
                substrate_calls_total{code="OK",method="Run"} 2
                # HELP substrate_phase_seconds Where the time of verbs went.
                # TYPE substrate_phase_seconds summary
                substrate_phase_seconds_sum{by="host",phase="total",verb="run"} 2.0
                substrate_phase_seconds_count{by="host",phase="total",verb="run"} 2
                substrate_phase_seconds_sum{by="program",phase="run",verb="run"} 2.0
                substrate_phase_seconds_count{by="program",phase="run",verb="run"} 2
                # HELP substrate_actors Actors.
                # TYPE substrate_actors gauge
                substrate_actors{status="a\\"b\\\\\\n"} 3
                substrate_actors 1

                """
        )
    }
}
