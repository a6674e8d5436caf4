---@meta
-- generated from the table of host functions: `make types` rewrites it, a test compares

---@alias Status "ok"|"not_found"|"access_denied"|"exists"|"already_running"|"not_running"|"unsupported"|"busy"|"again"|"storage_full"|"timeout"|"cancelled"|"asset_corrupt"|"not_ready"|"failed"|"io_error"
---@alias Arguments (string|integer|false|Arguments)[]

---A program that the host holds. Opaque; dies with the verb unless kept.
---@class Process

---An asset, open or being loaded. Opaque; dies with the verb.
---@class Asset

---What a program left.
---@class ProgramResult
---@field code? integer   its exit code; absent when a signal ended it
---@field signal? integer   the signal that ended it
---@field stdout? string   what it printed; 1 MiB is kept
---@field stderr? string   what it complained of; 1 MiB is kept
---@field ms? integer   how long it ran
---@field truncated? boolean   whether some of its output was dropped

---The host's functions: those in `needs`, and only inside a verb.
host = {}

host.workload = {}

---@class workload.start.confine
---@field namespaces? ("pid"|"mount"|"net"|"ipc"|"uts")[]   namespaces of its own; those of the launcher are never fewer
---@field root? "overlay"|"read-only"   whether it may write to its root; default "overlay"
---@field seccomp? string   the name of an operator's profile; default "default"

---@class workload.start.Arguments
---@field container string   the container's name, of actor.containers
---@field confine? workload.start.confine   how it is confined

---Starts a container of the actor as a confined process. **Grant** `workload`. **Verbs** run restore. **Since** api 1.
---```lua
---local web = try(host.workload.start { container = "web", confine = { root = "overlay" } })
---```
---@param spec workload.start.Arguments
---@return Status status, Process|string process_or_reason
function host.workload.start(spec) end

---@class workload.enter.Arguments
---@field container string   any container that was started or adopted
---@field command Arguments   nested lists are flattened, false is skipped
---@field env? table<string, string>   without it the environment is empty but PATH; never journalled
---@field stdio? "client"   joined with the caller's streams

---Starts a program inside a container that runs. **Grant** `workload`. **Verbs** exec. **Since** api 1.
---```lua
---local shell = try(host.workload.enter { container = "web", command = { "sh", "-c", "ls" } })
---```
---@param spec workload.enter.Arguments
---@return Status status, Process|string process_or_reason
function host.workload.enter(spec) end

host.process = {}

---@class process.run.Arguments
---@field program string   an asset or a tool: actor.assets.x, actor.tools.y
---@field args Arguments   nested lists are flattened, false is skipped
---@field env? table<string, string>   without it the environment is empty but PATH; never journalled, never printed
---@field stdin? string   never journalled; absent is /dev/null
---@field exit_codes? integer[]|"any"   exit codes that are not a failure; default { 0 }
---@field hide? string[]   paths under /proc/sys or /sys, covered by an empty tmpfs
---@field log? string   the container whose log gets the output
---@field errors? string   a log of its own in actor.dirs: a failure is told with the last errors in it
---@field network? "slot"|"host"   host needs the grant host-network; default "slot"
---@field restores? boolean   it may give programs back their numbers and clocks; needs the grant restore: without it process.run has failed; default false
---@field refuse? "membarrier"[]   system calls answered ENOSYS
---@field devices? string[]   names of granted devices
---@field seccomp_fd? integer   the operator's workload filter as BPF bytes on that descriptor
---@field timeout_ms? integer   cut to the verb's deadline

---Runs a program to its end. **Grant** `asset` or `tool`. **Verbs** all. **Since** api 1.
---```lua
---local done = try(host.process.run { program = actor.tools.bwrap, args = { "--version" } })
---```
---@param spec process.run.Arguments
---@return Status status, ProgramResult|string result_or_reason, ProgramResult? details
function host.process.run(spec) end

---@class process.start.Arguments
---@field program string   an asset or a tool: actor.assets.x, actor.tools.y
---@field args Arguments   nested lists are flattened, false is skipped
---@field env? table<string, string>   without it the environment is empty but PATH; never journalled, never printed
---@field stdin? string   never journalled; absent is /dev/null
---@field exit_codes? integer[]|"any"   exit codes that are not a failure; default { 0 }
---@field hide? string[]   paths under /proc/sys or /sys, covered by an empty tmpfs
---@field log? string   the container whose log gets the output
---@field errors? string   a log of its own in actor.dirs: a failure is told with the last errors in it
---@field network? "slot"|"host"   host needs the grant host-network; default "slot"
---@field restores? boolean   it may give programs back their numbers and clocks; needs the grant restore: without it process.run has failed; default false
---@field refuse? "membarrier"[]   system calls answered ENOSYS
---@field devices? string[]   names of granted devices
---@field seccomp_fd? integer   the operator's workload filter as BPF bytes on that descriptor
---@field stdio? "client"   joined with the caller's streams; only in exec
---@field name? string   its name in actor.processes; with keep
---@field keep? boolean   it outlives the verb; needs a name; default false

---Starts a program and answers at once. **Grant** `asset` or `tool`. **Verbs** run stop checkpoint restore prepare recover exec. **Since** api 1.
---```lua
---local p = try(host.process.start { program = actor.assets.vmm, args = { "--api", "api.sock" } })
---```
---@param spec process.start.Arguments
---@return Status status, Process|string process_or_reason
function host.process.start(spec) end

---Waits until each of the programs has ended. **Grant** none. **Verbs** all. **Since** api 1.
---```lua
---local ended = try(host.process.wait({ first, second }, 5000))
---```
---@param processes Process[]   closed after ok and failed, still usable after timeout
---@param timeout_ms? integer   cut to the verb's deadline
---@return Status status, ProgramResult[]|string results_or_reason, ProgramResult[]? details
function host.process.wait(processes, timeout_ms) end

---Ends programs: TERM, and KILL after the grace. **Grant** none. **Verbs** stop checkpoint restore. **Since** api 1.
---```lua
---return host.process.stop(actor.processes, request.grace_ms)
---```
---@param process Process|Process[]|table<string, Process>   a process, a list or a map of them; ended and closed ones are ok
---@param grace_ms? integer   between TERM and KILL; without it the request's own
---@return Status status, string? reason
function host.process.stop(process, grace_ms) end

---@class process.adopt.Arguments
---@field name string   its name in actor.processes
---@field pidfile? string   the file in dirs that holds its pid
---@field child_of? Process   a process, of which it is the only child

---Takes over a program that a runtime left behind. **Grant** none. **Verbs** run restore prepare. **Since** api 1.
---```lua
---try(host.process.adopt { name = "web", pidfile = actor.dirs.bundles .. "/web.pid" })
---```
---@param spec process.adopt.Arguments
---@return Status status, Process|string process_or_reason
function host.process.adopt(spec) end

host.bundle = {}

---@class bundle.write.Arguments
---@field container string   the container's name, of actor.containers; or pause, a sandbox's root
---@field annotations? table<string, string>   what the runtime reads beside the specification
---@field seccomp? string   the name of an operator's profile; none for a runtime with a filter of its own; default "none"
---@field masked? boolean   whether what /proc and /sys tell about the machine is covered; default true
---@field user_namespace? boolean   whether root inside is nobody of the machine; for each container of the actor alike, before a program starts; default false
---@field join_network? boolean   false: the runtime is in the slot's network, and leaves the container there without joining it; default true

---@class bundle.write.Result
---@field path string   the bundle's directory, with config.json in it
---@field pidfile string   where the runtime may write the program's number

---Writes an OCI bundle of a container: root, mounts, identity, network and capabilities as the request has them. **Grant** `bundle`. **Verbs** run restore prepare. **Since** api 1.
---```lua
---local bundle = try(host.bundle.write { container = "web", seccomp = "default" })
---```
---@param spec bundle.write.Arguments
---@return Status status, bundle.write.Result|string result_or_reason
function host.bundle.write(spec) end

host.file = {}

---Writes a file of mode 0600, whole or not at all. **Grant** none. **Verbs** run restore prepare checkpoint probe exec. **Since** api 1.
---```lua
---try(host.file.write(actor.dirs.work .. "/vm.json", json.encode { cpus = 2 }))
---```
---@param path string   below one of actor.dirs; its directory exists
---@param bytes string   any bytes, at most 1 MiB
---@return Status status, string? reason
function host.file.write(path, bytes) end

host.http = {}

---@class http.request.Arguments
---@field socket string   a Unix socket below one of actor.dirs, or a granted one
---@field method? "GET"|"PUT"|"PATCH"|"POST"|"DELETE"   the request's method; default "GET"
---@field path string   begins with /
---@field body? string   the request's body; with a body the type is application/json
---@field statuses? integer[]   answers that are no failure; without it 200 to 299; default {}
---@field wait_ms? integer   how long to try again while the socket is absent or refuses; default 0

---@class http.request.Result
---@field code integer   the answer's status
---@field body string   the answer's body

---Asks a program over its Unix socket. **Grant** none. **Verbs** all. **Since** api 1.
---```lua
---local info = try(host.http.request { socket = actor.dirs.work .. "/api.sock", path = "/info" })
---```
---@param spec http.request.Arguments
---@return Status status, http.request.Result|string result_or_reason
function host.http.request(spec) end

host.asset = {}

---@class asset.open.Arguments
---@field name? string   its name; or bank and slot
---@field bank? "runtime"|"config"|"kernel"|"rootfs"|"lib"   the bank that a pack preloads it to; with slot
---@field slot? integer   the slot in the bank

---Opens an asset of the actor or of a pack for reading. **Grant** `asset`. **Verbs** all. **Since** api 1.
---```lua
---local asset, size = try(host.asset.open { name = "config" })
---```
---@param spec asset.open.Arguments
---@return Status status, Asset|string asset_or_reason, integer? size
function host.asset.open(spec) end

---Answers a part of an open asset: all of it, or a failure. **Grant** `asset`. **Verbs** all. **Since** api 1.
---```lua
---local bytes = try(host.asset.read(try(host.asset.open { name = "config" }), 0, 16))
---```
---@param asset Asset   an open asset
---@param offset integer   where the part begins, from 0
---@param length integer   how many bytes; offset + length is at most the size
---@return Status status, string bytes_or_reason
function host.asset.read(asset, offset, length) end

---Closes an asset; what was loaded and not committed is dropped. **Grant** `asset`. **Verbs** all. **Since** api 1.
---```lua
---try(host.asset.close(try(host.asset.open { name = "config" })))
---```
---@param asset Asset   open or loaded; dead afterwards
---@return Status status, string? reason
function host.asset.close(asset) end

---@class asset.load.Arguments
---@field name? string   its name; or bank and slot
---@field bank? "runtime"|"config"|"kernel"|"rootfs"|"lib"   the bank that a pack preloads it to; with slot
---@field slot? integer   the slot in the bank

---Begins to load an asset of a pack; nothing is in the cache before commit. **Grant** `asset`. **Verbs** run restore prepare. **Since** api 1.
---```lua
---local asset = try(host.asset.load { name = "kernel" })
---```
---@param spec asset.load.Arguments
---@return Status status, Asset|string asset_or_reason, integer? size
function host.asset.load(spec) end

---Says how far a load is. **Grant** `asset`. **Verbs** run restore prepare. **Since** api 1.
---```lua
---local state = try(host.asset.state(try(host.asset.load { name = "kernel" })))
---```
---@param asset Asset   as asset.load answered it
---@return Status status, string state_or_reason
function host.asset.state(asset) end

---Puts a loaded asset into the cache. **Grant** `asset`. **Verbs** run restore prepare. **Since** api 1.
---```lua
---try(host.asset.commit(try(host.asset.load { name = "kernel" })))
---```
---@param asset Asset   loaded, and ready
---@return Status status, string? reason
function host.asset.commit(asset) end

---Gives a load up; the cache is as it was. **Grant** `asset`. **Verbs** run restore prepare. **Since** api 1.
---```lua
---try(host.asset.cancel(try(host.asset.load { name = "kernel" })))
---```
---@param asset Asset   loaded or loading
---@return Status status, string? reason
function host.asset.cancel(asset) end

host.clock = {}

---Answers the milliseconds left to the verb's deadline. **Grant** none. **Verbs** all. **Since** api 1.
---```lua
---while host.clock.left() > 1000 do try(host.clock.sleep(100)) end
---```
---@return integer ms   milliseconds; 0 when the deadline is over
function host.clock.left() end

---Waits that many milliseconds, at most to the verb's deadline. **Grant** none. **Verbs** all. **Since** api 1.
---```lua
---try(host.clock.sleep(100))
---```
---@param ms integer   cut to the verb's deadline: then timeout
---@return Status status, string? reason
function host.clock.sleep(ms) end
