/// What the doctor found out about one thing.
struct DoctorFinding: Equatable, Sendable {
    /// The word that `--require` takes.
    let name: String
    /// Whether the host cannot serve without it.
    let isNeeded: Bool
    /// Whether it is here.
    let isPresent: Bool
    /// What was seen.
    let detail: String
    /// How to get what is missing; empty when nothing is.
    let mend: String

    static func present(_ name: String, needed: Bool = true, _ detail: String) -> DoctorFinding {
        DoctorFinding(name: name, isNeeded: needed, isPresent: true, detail: detail, mend: "")
    }

    static func missing(_ name: String, needed: Bool = true, _ detail: String, mend: String) -> DoctorFinding {
        DoctorFinding(name: name, isNeeded: needed, isPresent: false, detail: detail, mend: mend)
    }

    /// For `doctor --json`.
    var json: JSONText {
        .members([
            "name": .string(name), "needed": .bool(isNeeded), "ok": .bool(isPresent), "detail": .string(detail),
            "mend": isPresent ? .null : .string(mend),
        ])
    }
}
