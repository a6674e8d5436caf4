---@meta
-- generated from the table of host functions: `make types` rewrites it, a test compares

---@class Test
---@field clock TestClock   The test's clock.
local t = {}

---@class t.actor.spec.containers.volumes
---@field name string   the volume's name
---@field path string   where the container sees it

---@class t.actor.spec.containers
---@field name string   a DNS label, unique in the actor
---@field command Arguments   the program and its arguments
---@field env? table<string, string>   its environment
---@field image? string   an OCI layout; only --real asks for it
---@field volumes? t.actor.spec.containers.volumes[]   the durable volumes that it sees
---@field files? table<string, string>   what its root holds at the start: path → bytes

---@class t.actor.spec
---@field name? string   the actor's name
---@field containers t.actor.spec.containers[]   in start order
---@field assets? table<string, string>   assets of the request: name → bytes
---@field cpu_milli? integer   a limit
---@field memory_bytes? integer   a limit

---An actor in a slot of its own; nothing runs yet.
---```lua
---local actor = t:actor { containers = { WEB } }
---```
---@param spec t.actor.spec   what it runs
---@return any ...   a status first where it is a verb
function t:actor(spec) end

---Another slot of the same machine.
---```lua
---local other = t:slot("slot-2")
---```
---@param name string   any name
---@return any ...   a status first where it is a verb
function t:slot(name) end

---Goes on only if the status is ok, and answers what follows it.
---```lua
---local snapshot = t:ok(actor:checkpoint { scope = "data" })
---```
---@param status? any   as verbs answer it first
---@param value? any   the result
---@param second? any   a further value
---@return any ...   a status first where it is a verb
function t:ok(status, value, second) end

---Goes on only if the status is that one.
---```lua
---t:fails(actor:run(), "storage_full")
---```
---@param status? any   as verbs answer it first
---@param expected string   a status
---@return any ...   a status first where it is a verb
function t:fails(status, expected) end

---Goes on only if both are the same, tables field by field.
---```lua
---t:equal(actor:processes(), { "web" })
---```
---@param got? any   what came
---@param expected? any   what should have come
---@return any ...   a status first where it is a verb
function t:equal(got, expected) end

---Goes on only if the script asked for exactly these effects, in this order; testing.md lists their words.
---```lua
---t:calls { "workload.start web" }
---```
---@param expected string[]   such as "workload.start web", "process.run actor.tools.vmm"
---@return any ...   a status first where it is a verb
function t:calls(expected) end

---@class t.fault.how
---@field at? integer   which call of it, from 1
---@field status string   a status that it may answer
---@field reason? string   the words that come with it

---Has a host function fail instead of doing it.
---```lua
---t:fault("workload.start", { at = 2, status = "storage_full" })
---```
---@param name string   a host function, such as "workload.start"
---@param how t.fault.how   when, and with what
---@return any ...   a status first where it is a verb
function t:fault(name, how) end

---The container of that name, in whichever actor runs it.
---```lua
---local web = t:workload("web")
---```
---@param container string   its name
---@return any ...   a status first where it is a verb
function t:workload(container) end

---@class t.program.how
---@field real? boolean   false: only these rules will do, and --real skips the test

---What a program answers: the first rule whose arguments are all there, in that order.
---```lua
---t:program("vmm", { { "--version", stdout = "2.0" }, { code = 1 } })
---```
---@param name string   the program's name
---@param rules any[]   { "arg", code = …, stdout = …, stderr = …, ms = …, pidfile = "bundles/web.pid" }
---@param how? t.program.how   whether --real may run this machine's own in its place
---@return any ...   a status first where it is a verb
function t:program(name, rules, how) end

---@class t.http.how
---@field after_ms? integer   when on the test's clock it appears

---What a program's Unix socket answers: the first rule whose method and path are those.
---```lua
---t:http("api.sock", { { "GET", "/info", body = "{}" }, { "PUT", code = 204 } })
---```
---@param socket string   the name of its file, or the whole path of a granted one
---@param rules any[]   { "PUT", "/boot", code = 204, body = …, ms = … }
---@param how? t.http.how   from when on it is there
---@return any ...   a status first where it is a verb
function t:http(socket, rules, how) end

---What the operator wrote in the backend's settings; without it they have their defaults.
---```lua
---t:config { platform = "kvm", retries = 3 }
---```
---@param settings any   name → value; a secret's is the path of its file
---@return any ...   a status first where it is a verb
function t:config(settings) end

---@class t.prepare.how
---@field assets? table<string, string>   assets of the requests to come: name → bytes

---Makes a slot warm: the next run or restore whose assets and tools are the same gets it.
---```lua
---t:equal(t:ok(t:prepare()), { booted = true })
---```
---@param how? t.prepare.how   what it is made for
---@return any ...   a status first where it is a verb
function t:prepare(how) end

---@class t.probe.how
---@field assets? table<string, string>   assets of a request: name → bytes

---Asks the backend what it can do here; run, restore, checkpoint and exec ask by themselves.
---```lua
---t:equal(t:ok(t:probe()).without, { full = "this vmm saves no memory" })
---```
---@param how? t.probe.how   about what
---@return any ...   a status first where it is a verb
function t:probe(how) end

---@class TestClock
local clock = {}

---How long everybody waited, in all.
---```lua
---t:equal(t.clock:elapsed_ms(), 10000)
---```
---@return any ...   a status first where it is a verb
function clock:elapsed_ms() end

---@class TestSlot
local slot = {}

---Restores an actor's snapshot in this slot.
---```lua
---local again = t:ok(t:slot("slot-2"):restore(actor, snapshot))
---```
---@param actor table   the actor
---@param snapshot table   what a checkpoint answered
---@return any ...   a status first where it is a verb
function slot:restore(actor, snapshot) end

---@class TestActor
local actor = {}

---Runs it.
---```lua
---t:ok(actor:run())
---```
---@return any ...   a status first where it is a verb
function actor:run() end

---@class actor.stop.how
---@field grace_ms? integer   between TERM and KILL

---Stops it.
---```lua
---t:ok(actor:stop { grace_ms = 10000 })
---```
---@param how? actor.stop.how   the request
---@return any ...   a status first where it is a verb
function actor:stop(how) end

---@class actor.checkpoint.how
---@field scope "full"|"data"   what to save
---@field grace_ms? integer   between TERM and KILL
---@field may_hold? boolean   whether the programs may be kept frozen

---Checkpoints it; it is paused then.
---```lua
---local snapshot = t:ok(actor:checkpoint { scope = "data" })
---```
---@param how actor.checkpoint.how   the request
---@return any ...   a status first where it is a verb
function actor:checkpoint(how) end

---Restores a snapshot in the actor's own slot.
---```lua
---t:ok(actor:restore(snapshot))
---```
---@param snapshot table   what a checkpoint answered
---@return any ...   a status first where it is a verb
function actor:restore(snapshot) end

---@class actor.exec.how
---@field container? string   without it the first one
---@field command Arguments   the program and its arguments
---@field env? table<string, string>   its environment
---@field tty? boolean   whether a terminal is asked for

---Runs a program beside it to its end, and answers its code, stdout and stderr.
---```lua
---t:equal(t:ok(actor:exec { command = { "ls" } }).stdout, "data")
---```
---@param how actor.exec.how   the request
---@return any ...   a status first where it is a verb
function actor:exec(how) end

---Says what it uses: memory_bytes, cpu_ns and pids of the script, or pids alone without one.
---```lua
---t:equal(t:ok(actor:stats()).pids, 3)
---```
---@return any ...   a status first where it is a verb
function actor:stats() end

---@class actor.recover.how
---@field gone? string[]   kept programs that ended meanwhile

---The host goes away and comes back: ok it lives, not_running it is gone, else it is asked again.
---```lua
---t:fails(actor:recover { gone = { "vmm" } }, "not_running")
---```
---@param how? actor.recover.how   what happened meanwhile
---@return any ...   a status first where it is a verb
function actor:recover(how) end

---The names of its programs that run, sorted.
---```lua
---t:equal(actor:processes(), { "web" })
---```
---@return any ...   a status first where it is a verb
function actor:processes() end

---Its container of that name.
---```lua
---local web = actor:workload("web")
---```
---@param container string   its name
---@return any ...   a status first where it is a verb
function actor:workload(container) end

---@class TestWorkload
local workload = {}

---@class workload.on.what
---@field writes? table<string, string>   path in the container → bytes
---@field after_ms? integer   until it ends

---What its program does at a signal: ends, after what it says here.
---```lua
---t:workload("web"):on("TERM", { writes = { ["/data/count"] = "41" }, after_ms = 300 })
---```
---@param signal "TERM"   the signal
---@param what "ignore"|workload.on.what   "ignore", or what it writes and when it ends
---@return any ...   a status first where it is a verb
function workload:on(signal, what) end

---Its program writes a file.
---```lua
---t:workload("web"):write("/data/count", "41")
---```
---@param path string   in the container
---@param bytes string   the whole file
---@return any ...   a status first where it is a verb
function workload:write(path, bytes) end

---Reads a file as its program would.
---```lua
---t:equal(t:ok(t:workload("web"):read("/data/count")), "41")
---```
---@param path string   in the container
---@return any ...   a status first where it is a verb
function workload:read(path) end

---@class TestSnapshot
---@field files any   The names of its files, sorted, without the manifest.
local snapshot = {}

---Reads a file of a durable volume that it holds.
---```lua
---t:equal(t:ok(snapshot:read("data/count")), "41")
---```
---@param path string   volume/path
---@return any ...   a status first where it is a verb
function snapshot:read(path) end

---A test: gets a fresh host, an empty slot and a fake clock.
---@param name string   what it shows
---@param body fun(t: Test)
function test(name, body) end
