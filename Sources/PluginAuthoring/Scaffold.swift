/// The files of a new backend.
public struct Scaffold: Sendable {
    /// One file of it.
    public struct File: Sendable, Equatable {
        /// Its name in the backend's folder.
        public let name: String
        /// Its whole text.
        public let text: String
        /// What `plugin new` says of it, after its name.
        public let note: String
    }

    /// What is written, in the order that it is listed.
    public let files: [File]

    /// Whether a backend may have that name; else the nearest that it may have.
    ///
    /// - Returns: nil for a good name; the empty string where nothing is left of a bad one.
    public static func better(than name: String) -> String? {
        func isSmall(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) }
        let kept = Array(name.lowercased().utf8.filter { isSmall($0) || (0x30...0x39).contains($0) || $0 == 0x2d })
        let fit = String(decoding: kept.drop { !isSmall($0) }.prefix(32), as: UTF8.self)
        return fit == name ? nil : fit
    }

    /// Makes them.
    ///
    /// - Parameters:
    ///   - name: a good one.
    ///   - sdk: the directory of the types, for editors; nil leaves them out.
    ///   - onlyTests: the test alone.
    public init(name: String, sdk: String?, onlyTests: Bool = false) {
        let backend = Self.backend(name)
        let test = File(name: "backend_test.lua", text: Self.test(name), note: "")
        let lines = backend.utf8.count { $0 == 0x0a }
        files =
            onlyTests
            ? [test]
            : [
                File(name: "backend.lua", text: backend, note: " (\(lines) lines, runs)"), test,
                File(name: ".luarc.json", text: Self.editor(sdk), note: ""),
                File(name: "README.md", text: Self.readme(name, sdk), note: ""),
            ]
    }

    private static func backend(_ name: String) -> String {
        """
        -- \(name): every container of the actor is a confined process on this machine's own kernel.
        -- It runs as it is; `substrate-host plugin doc` explains every function and field.

        local function start(actor)
          for _, container in ipairs(actor.containers) do
            try(host.workload.start { container = container.name })
          end
          return "ok"
        end

        -- TERM first, so that programs can flush; what is left after the grace is killed.
        local function stop(actor, request)
          return host.process.stop(actor.processes, request.grace_ms)
        end

        ---@type Backend
        return {
          name = "\(name)", api = 1,
          isolation = "kernel-shared",
          needs = { "workload.start", "process.stop" },
          -- The host saves the durable volumes after checkpoint and puts them back before restore.
          scopes = { "data" },
          run = start, stop = stop, checkpoint = stop, restore = start,
        }

        """
    }

    private static func test(_ name: String) -> String {
        """
        -- Tests of \(name). Each gets a fresh host, an empty slot and a fake clock: no root, no runtime.
        local WEB = { name = "web", command = { "/bin/server" } }

        test("run starts every container, in the order of the spec", function(t)
          local actor = t:actor { containers = { WEB, { name = "side", command = { "/bin/side" } } } }
          t:ok(actor:run())
          t:calls { "workload.start web", "workload.start side" }
        end)

        test("stop ends what run started", function(t)
          local actor = t:actor { containers = { WEB } }
          t:ok(actor:run())
          t:ok(actor:stop { grace_ms = 1000 })
          t:equal(actor:processes(), {})
        end)

        """
    }

    private static func editor(_ sdk: String?) -> String {
        let library = sdk.map { PluginJSON.text("\($0)/types").line } ?? ""
        return """
            {
              "runtime.version": "Lua 5.4",
              "runtime.builtin": {
                "coroutine": "disable", "debug": "disable", "ffi": "disable", "io": "disable", "jit": "disable",
                "os": "disable", "package": "disable"
              },
              "workspace.library": [\(library)],
              "workspace.checkThirdParty": false,
              "diagnostics.globals": ["host", "try", "json", "test"]
            }

            """
    }

    private static func editorNote(_ sdk: String?) -> String {
        if sdk == nil {
            return """
                No types were found beside the programs, so `.luarc.json` names none: an installation has them in
                `share/substrate-host/sdk`. With them lua-language-server completes `host`, `actor` and `request`.
                """
        }
        return "An editor with lua-language-server completes `host`, `actor` and `request` by `.luarc.json`."
    }

    private static func readme(_ name: String, _ sdk: String?) -> String {
        """
        # \(name)

        A backend of substrate-host: `backend.lua` says how an actor is started, saved and ended.

        ```
        substrate-host plugin check \(name)     # what it is, what it needs, what is wrong
        substrate-host plugin test \(name)      # its tests, without root
        substrate-host plugin watch \(name)     # both, whenever a file is saved
        substrate-host plugin doc\(String(repeating: " ", count: name.count + 8))# every function, field and verb
        ```

        As root, with a real actor, and then served. `actor.yaml` says what the actor runs; the counter of the
        installation's examples is one (`sandbox_class` there names the backend: `\(name)`):

        ```
        substrate-host plugin run \(name) --actor actor.yaml
        mkdir -p site/backends && cp -r \(name) site/backends/
        substrate-host --backend=\(name) --overlay site
        ```

        \(editorNote(sdk))

        """
    }
}
