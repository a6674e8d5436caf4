import PluginHost
import PluginProtocol
import SystemLayer

/// The command line of `plugin conformance`.
struct ConformanceOptions {
    /// What is wrong with a command line.
    struct Mistake: Error { let text: String }

    var backend = ""
    var json = false
    var help = false
    var list = false
    var report: String?
    var image: String?
    var overlays: [String] = []
    var pluginsDirectory: String?
    var only: Set<String> = []
    var assets: [String: String] = [:]
    var grants: [String] = []
    var config: [String: String] = [:]
    var atOnce = 8

    static let help = """
        usage: substrate-host plugin conformance BACKEND [options]

        Runs the contract suite over one backend, on this machine and as root: its actors live, are checkpointed, restored
        and stopped; every host call it makes fails in every way, is slow, and is killed in; and nothing may be left.

          BACKEND                a file, a folder with backend.lua, or the name of a served backend
          --report FILE          where the report goes; without it conformance.json beside the script
          --only NAME            one check (again: several); a name of a fault runs all faults
          --grant GRANT          workload, bundle, asset, host-network, tool:NAME=PATH, device:NAME=PATH, socket:PATH
          --config NAME=VALUE    a setting of the script, as in backends.BACKEND.config of substrate.yaml
          --asset NAME=FILE      a file that requests bring as that asset
          --image oci:DIR:TAG    the image of examples/counter, when it was built before
          --overlay DIR          where served backends are looked for, beside the shipped ones
          --plugins-dir DIR      the shipped ones
          --at-once N            how many actors live at once (default 8): fewer where each wants much of the machine
          --list                 every check, with what it shows
          --json                 the report to standard output

        exit: 0 it conforms, 1 it does not, 2 it could not be tried
        examples:
          substrate-host plugin conformance process
          substrate-host plugin conformance ./bwrap --grant tool:bwrap=/usr/bin/bwrap
        """

    init(_ arguments: [String]) throws(Mistake) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = word.hasPrefix("--") ? parts[0] : word
            func value() throws(Mistake) -> String {
                if word.hasPrefix("--"), parts.count == 2 { return parts[1] }
                guard let next = rest.popFirst() else { throw Mistake(text: "\(name) needs a value") }
                return next
            }
            switch name {
            case "--json": json = true
            case "--help", "-h": help = true
            case "--list": list = true
            case "--report": report = try value()
            case "--at-once":
                let text = try value()
                guard let count = Int(text), (1...64).contains(count) else {
                    throw Mistake(text: "--at-once \"\(text)\" is not a number from 1 to 64")
                }
                atOnce = count
            case "--image": image = try value()
            case "--overlay": overlays.append(try value())
            case "--plugins-dir": pluginsDirectory = try value()
            case "--only": only.insert(try Self.check(try value()))
            case "--grant": grants.append(try value())
            case "--config":
                let text = try value()
                guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                    throw Mistake(text: "--config \"\(text)\" is not NAME=VALUE")
                }
                config[String(text[..<equals])] = String(text[text.index(after: equals)...])
            case "--asset":
                let text = try value()
                guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                    throw Mistake(text: "--asset \"\(text)\" is not NAME=FILE")
                }
                assets[String(text[..<equals])] = absolute(String(text[text.index(after: equals)...]))
            default:
                guard !word.hasPrefix("-") else {
                    throw Mistake(text: "conformance has no option \"\(name)\"; --help lists them")
                }
                guard backend.isEmpty else {
                    throw Mistake(text: "one backend at a time: \"\(backend)\" or \"\(word)\"")
                }
                backend = word
            }
        }
        if !help, !list, backend.isEmpty {
            throw Mistake(text: "say which backend: a file, a folder, or a served name")
        }
    }

    private static func check(_ name: String) throws(Mistake) -> String {
        let known = Set(ConformanceSuite.checks.map(\.name)).union(ConformanceSuite.faultNames)
        guard known.contains(name) else { throw Mistake(text: "--only \"\(name)\" is no check; --list shows them") }
        return name
    }

    /// The operator's grants on top of the defaults of where the script came from.
    func granted(isShipped: Bool) throws(Mistake) -> Grants? {
        if grants.isEmpty { return nil }
        var granted: Grants = isShipped ? .shipped : .standard
        for text in grants {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            let pair = parts.count == 2 ? parts[1].split(separator: "=", maxSplits: 1).map(String.init) : []
            switch (parts.first ?? "", pair.count) {
            case ("workload", 0): granted.kinds.insert(.workload)
            case ("bundle", 0): granted.kinds.insert(.bundle)
            case ("asset", 0): granted.kinds.insert(.asset)
            case ("host-network", 0): granted.kinds.insert(.hostNetwork)
            case ("tool", 2) where pair[1].hasPrefix("/"): granted.tools[pair[0]] = pair[1]
            case ("device", 2) where pair[1].hasPrefix("/"): granted.devices[pair[0]] = pair[1]
            case ("socket", 1) where pair[0].hasPrefix("/"): granted.sockets.insert(pair[0])
            default:
                throw Mistake(
                    text:
                        "--grant \"\(text)\": workload, bundle, asset, host-network, tool:NAME=/PATH, device:NAME=/PATH or socket:/PATH"
                )
            }
        }
        return granted
    }
}
