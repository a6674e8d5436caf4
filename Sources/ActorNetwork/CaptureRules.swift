/// What is captured in a namespace and what is dropped, in the language of nft(8).
///
/// One table, replaced as a whole or not at all. Everything is dropped that is not named here.
enum CaptureRules {
    /// - Parameters:
    ///   - hasInterface: whether the workload's packets come in by an interface, from a runtime's own network stack;
    ///     else they are those of the namespace's own.
    ///   - port: where the relay listens.
    ///   - names: where DNS queries are heard, over UDP; with it, connections to port 53 are captured too. nil: both are
    ///     dropped.
    /// - Returns: the table.
    static func text(hasInterface: Bool, port: UInt16, names: UInt16?) -> String {
        """
        table inet substrate
        delete table inet substrate
        table inet substrate {
        \(hasInterface ? byInterface(port, names) : byLoopback(port, names))
        }
        """
    }

    private static func capture(_ port: UInt16, _ names: UInt16?) -> String {
        guard let names else { return "meta nfproto ipv4 tcp dport != 53 redirect to :\(port)" }
        return """
            meta nfproto ipv4 udp dport 53 redirect to :\(names)
            meta nfproto ipv4 meta l4proto tcp redirect to :\(port)
            """
    }

    /// The namespace's own processes connect: their packets are seen as they leave, and what was not captured comes
    /// back by the loopback, where it is dropped without the sender's being told, which dropping it on its way out
    /// would do.
    private static func byLoopback(_ port: UInt16, _ names: UInt16?) -> String {
        let own = "ip daddr { 127.0.0.0/8, \(ActorNamespace.address) }"
        return """
            chain capture {
                type nat hook output priority -100; policy accept;
                \(own) return
                \(capture(port, names))
            }
            chain arriving {
                type filter hook prerouting priority -150; policy drop;
                \(own) accept
                ip6 daddr ::1 accept
            }
            """
    }

    /// The workload is at the other end of the pair.
    ///
    /// What the host's own connections are answered is let in, and what
    /// processes beside the runtime say among themselves.
    private static func byInterface(_ port: UInt16, _ names: UInt16?) -> String {
        let accept = "iifname \"host0\" ip daddr \(ActorNamespace.hostAddress)"
        return """
            chain capture {
                type nat hook prerouting priority -100; policy accept;
                iifname != "host0" return
                \(capture(port, names))
            }
            chain arriving {
                type filter hook input priority 0; policy drop;
                iifname "lo" accept
                ct state established,related accept
                \(accept) tcp dport \(port) accept
                \(names.map { "\(accept) udp dport \($0) accept" } ?? "")
            }
            chain passing {
                type filter hook forward priority 0; policy drop;
            }
            """
    }
}
