extension HostFunction {
    /// `http.request`: one request to a program's API socket.
    public static let httpRequest = HostFunction(
        "http.request",
        "Asks a program over its Unix socket.",
        effect: .journalled,
        arguments: .record([
            .required("socket", .path, "a Unix socket below one of actor.dirs, or a granted one"),
            .optional(
                "method",
                .oneOf(["GET", "PUT", "PATCH", "POST", "DELETE"]),
                default: .text("GET"),
                "the request's method"
            ),
            .required("path", .text, "begins with /"),
            .optional("body", .bytes(1 << 19), "the request's body; with a body the type is application/json"),
            .optional(
                "statuses",
                .list(.integer(100...599)),
                default: .list([]),
                "answers that are no failure; without it 200 to 299"
            ),
            .optional(
                "wait_ms",
                .integer(0...86_400_000),
                default: .integer(0),
                "how long to try again while the socket is absent or refuses"
            ),
        ]),
        answers: .record([
            AnswerField("code", .integer(100...599), "the answer's status"),
            AnswerField("body", .bytes(1 << 19), "the answer's body"),
        ]),
        failures: [.failed, .notFound, .notReady, .accessDenied],
        cost: 100,
        example: "local info = try(host.http.request { socket = actor.dirs.work .. \"/api.sock\", path = \"/info\" })"
    )
}
