import Telemetry

extension TestReport {
    /// One object, for programs.
    var json: String {
        let tests = results.map { result -> String in
            var fields = [
                "\"number\":\(result.number)", "\"name\":\(JSONText.quoted(result.name))",
                "\"file\":\(JSONText.quoted(result.file))", "\"line\":\(result.line)", "\"passed\":\(result.passed)",
                "\"milliseconds\":\(Self.number(result.milliseconds))",
            ]
            let calls = result.calls.map { call -> String in
                let injected = call.injectedBy.map { ",\"injected_by\":\(JSONText.quoted($0))" } ?? ""
                return "{\"call\":\(JSONText.quoted(call.words)),\"status\":\(JSONText.quoted(call.status)),"
                    + "\"at\":\(JSONText.quoted(call.place))\(injected)}"
            }
            fields.append("\"calls\":[\(calls.joined(separator: ","))]")
            fields.append("\"left\":[\(result.left.map(JSONText.quoted).joined(separator: ","))]")
            if let failure = result.failure {
                fields.append("\"at\":\(JSONText.quoted(failure.place))")
                fields.append("\"failure\":\(JSONText.quoted(failure.text))")
            }
            if let mend = result.mend { fields.append("\"mend\":\(JSONText.quoted(mend))") }
            return "{\(fields.joined(separator: ","))}"
        }
        let skips = skipped.map {
            "{\"name\":\(JSONText.quoted($0.name)),\"reason\":\(JSONText.quoted($0.reason))}"
        }
        let head = [
            "\"backend\":\(JSONText.quoted(backend))", "\"passed\":\(results.count - failed.count)",
            "\"failed\":\(failed.count)", "\"host_calls\":\(results.reduce(0) { $0 + $1.calls.count })",
            "\"milliseconds\":\(Self.number(milliseconds))",
            "\"leftovers\":[\(leftovers.map(JSONText.quoted).joined(separator: ","))]",
            "\"skipped\":[\(skips.joined(separator: ","))]", "\"tests\":[\(tests.joined(separator: ","))]",
        ]
        return "{\(head.joined(separator: ","))}\n"
    }

    /// The Test Anything Protocol, version 13.
    var tap: String {
        var out = "TAP version 13\n1..\(results.count + skipped.count)\n"
        var number = 0
        for result in results {
            number += 1
            // A # would begin a directive.
            let name = result.name.split(separator: "#", omittingEmptySubsequences: false).joined(separator: "\\#")
            out += "\(result.passed ? "ok" : "not ok") \(number) - \(name)\n"
            guard !result.passed else { continue }
            for line in block(result).split(separator: "\n") { out += "# \(line)\n" }
        }
        for skip in skipped {
            number += 1
            out += "ok \(number) - \(skip.name) # SKIP \(skip.reason)\n"
        }
        return out
    }

    /// A JUnit file, as continuous integration reads it.
    var junit: String {
        var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        out += "<testsuite name=\"\(Self.xml(backend))\" tests=\"\(results.count + skipped.count)\" "
        out +=
            "failures=\"\(failed.count)\" skipped=\"\(skipped.count)\" time=\"\(Self.number(milliseconds / 1000))\">\n"
        for result in results {
            out += "  <testcase name=\"\(Self.xml(result.name))\" classname=\"\(Self.xml(backend))\" "
            out += "file=\"\(Self.xml(result.file))\" time=\"\(Self.number(result.milliseconds / 1000))\""
            guard let failure = result.failure else {
                out += "/>\n"
                continue
            }
            let first = failure.text.split(separator: "\n").first.map(String.init) ?? ""
            out += ">\n    <failure message=\"\(Self.xml("\(failure.place)  \(first)"))\">"
            out += "\(Self.xml(block(result)))</failure>\n  </testcase>\n"
        }
        for skip in skipped {
            out += "  <testcase name=\"\(Self.xml(skip.name))\" classname=\"\(Self.xml(backend))\">"
            out += "<skipped message=\"\(Self.xml(skip.reason))\"/></testcase>\n"
        }
        return out + "</testsuite>\n"
    }

    /// Text within XML 1.0, which has no place for most control characters.
    private static func xml(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "\n": out += "\n"
            default:
                if scalar.value >= 32, scalar.value != 0xfffe, scalar.value != 0xffff {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out
    }

    private static func number(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
