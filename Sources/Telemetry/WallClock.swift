import Glibc

/// Unix time, and how it is written.
public enum WallClock {
    /// Now.
    ///
    /// - Returns: nanoseconds since 1970.
    public static func nanoseconds() -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Writes a time as RFC 3339 in UTC, with as many digits of the second as it needs.
    ///
    /// - Parameter nanoseconds: Unix time.
    /// - Returns: such as `2026-11-21T06:15:00.25Z`.
    /// - Source: RFC 3339 §5.6; Go's `RFC3339Nano`, which the contract's log lines carry.
    public static func text(_ nanoseconds: Int64) -> String {
        var (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        if fraction < 0 {
            seconds -= 1
            fraction += 1_000_000_000
        }
        let base = calendar(seconds)
        if fraction == 0 { return base + "Z" }
        var digits = String(1_000_000_000 + fraction).dropFirst()
        while digits.last == "0" { digits = digits.dropLast() }
        return base + "." + digits + "Z"
    }

    /// `12:34:56.789` of the day in UTC, for a reader at a terminal.
    static func timeOfDay(_ nanoseconds: Int64) -> String {
        let milliseconds = (nanoseconds / 1_000_000) % 1000
        return calendar(nanoseconds / 1_000_000_000).suffix(8) + "." + padded(Int(milliseconds), 3)
    }

    private static func calendar(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&time, &parts)
        let date =
            unsafe padded(Int(parts.tm_year) + 1900, 4) + "-" + padded(Int(parts.tm_mon) + 1, 2) + "-"
            + padded(Int(parts.tm_mday), 2)
        let clock =
            unsafe padded(Int(parts.tm_hour), 2) + ":" + padded(Int(parts.tm_min), 2) + ":"
            + padded(Int(parts.tm_sec), 2)
        return date + "T" + clock
    }

    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(max(0, number))
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
