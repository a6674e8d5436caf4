import ActorContract

/// The workload of the checks: a shell that says what it sees in the durable volume, and does what it is asked there.
enum Probe {
    /// How it takes TERM.
    enum Manner: String {
        /// Ends at once.
        case plain
        /// Writes a while first.
        case slow
        /// Takes no notice.
        case stubborn
    }

    /// Its program: `sh -c SCRIPT NAME MANNER`.
    private static let script = """
        n=$0; d=/data
        say() { echo "$n $*" >> $d/events; }
        if [ -e /mark ]; then root=kept; else root=fresh; fi
        echo here > /mark
        case $1 in
        stubborn) trap '' TERM ;;
        slow) trap 'say term; sleep 0.15; say flushed; exit 0' TERM ;;
        *) trap 'say term; exit 0' TERM ;;
        esac
        say start $root $(cat /run/ate/actor-id)
        echo "$n prints"
        while :; do
          if [ -e $d/$n.do ]; then
            busybox mv $d/$n.do $d/$n.now
            sh $d/$n.now > $d/$n.new 2>&1
            busybox mv $d/$n.new $d/$n.out
          fi
          sleep 0.02 & wait $!
        done
        """

    /// A container that runs it, with the volume `data` at /data.
    static func container(_ name: String, _ manner: Manner = .plain) -> Container {
        var container = Container()
        container.name = name
        container.command = ["/bin/sh", "-c", script, name, manner.rawValue]
        container.volumeMounts = [VolumeMount(name: "data", mountPath: "/data")]
        return container
    }

    /// A container that runs another program.
    static func container(_ name: String, command: [String]) -> Container {
        var container = container(name)
        container.command = command
        return container
    }

    /// The counter of the examples, which answers over HTTP.
    static func counter(_ name: String = "counter", path: String = "/readyz", seconds: Int32 = 10) -> Container {
        var container = container(name, command: ["/counter"])
        container.readiness = ReadinessProbe(path: path, port: 8080, timeoutSeconds: seconds)
        return container
    }
}
