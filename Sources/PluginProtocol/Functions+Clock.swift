extension HostFunction {
    /// `clock.left`: how long the verb still has.
    public static let clockLeft = HostFunction(
        "clock.left",
        "Answers the milliseconds left to the verb's deadline.",
        effect: .pure,
        arguments: .positions([]),
        answers: .value(AnswerField("ms", .integer(0...Int64.max), "milliseconds; 0 when the deadline is over")),
        cost: 10,
        example: "while host.clock.left() > 1000 do try(host.clock.sleep(100)) end"
    )

    /// `clock.sleep`: waits.
    public static let clockSleep = HostFunction(
        "clock.sleep",
        "Waits that many milliseconds, at most to the verb's deadline.",
        effect: .read,
        arguments: .positions([.required("ms", .integer(0...86_400_000), "cut to the verb's deadline: then timeout")]),
        answers: .nothing,
        cost: nil,
        example: "try(host.clock.sleep(100))"
    )
}
