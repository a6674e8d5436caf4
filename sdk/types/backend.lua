---@meta
-- generated from the table of host functions: `make types` rewrites it, a test compares

---What the file of a backend returns.
---@class Backend
---@field name string   the name of --backend=NAME; equals the file's or folder's name
---@field api 1   the api that this file was written for
---@field isolation "none"|"kernel-shared"|"user-space-kernel"|"virtual-machine"|"remote"   what stands between the actor and this machine: a claim, shown with who makes it
---@field summary? string   one line for `backends` and `plugin doc`; default ""
---@field needs? string[]   host functions that this file may call, such as "process.start"; exactly these exist on `host`; default {}
---@field scopes? ("full"|"data")[]   the most that it can ever save; default {}
---@field enforces? ("cpu"|"memory"|"pids")[]   limits that hold for all it starts, as the actor's cgroup has them; a request with another one is refused; default {}
---@field container_limits? ("cpu"|"memory")[]   limits of one container that hold for it, as workload.start sets them; a request with another one is refused; default {}
---@field assets? table<string, "required"|"optional">   files of the request by name, verified before any verb; default {}
---@field tools? table<string, "required"|"optional">   programs of this machine that the operator may grant; see grants and tool-room; default {}
---@field devices? table<string, "required"|"optional">   device nodes that the operator may grant; default {}
---@field network? "namespace"|"interface"|"tap"|"backend"|"none"   what the host makes before the verb; with backend, run answers the address; tap is refused: no host makes one; default "namespace"
---@field image? "directory"|"none"   container roots as directories, or images not pulled at all; default "directory"
---@field config? table<string, Setting>   the operator's settings, checked before load; default {}
---@field classes? string[]   further values of a request's sandbox_class that it accepts beside its own name; default {}
---@field outside? boolean   it makes things outside the slot: stop is called after any failed verb, until it answers ok; default false
---@field root_in_memory? boolean   what containers write to their roots ends with them, or is in the backend's files: Start begins with the image; without it the host keeps that, and in a full snapshot as roots.tar; default false
---@field data_on_golden? boolean   restore can wake the memory of one full snapshot with the volumes of another; takes both scopes; default false
---@field run fun(actor: Actor, request: RunRequest): Status, (RunResult|string)?   Starts the actor in an empty slot.
---@field stop fun(actor: Actor, request: StopRequest): Status, string?   Ends the actor's programs.
---@field checkpoint? fun(actor: Actor, request: CheckpointRequest): Status, (CheckpointResult|string)?   Saves the actor and ends it; the host saves the durable volumes after it.
---@field restore? fun(actor: Actor, request: RestoreRequest): Status, (RestoreResult|string)?   Starts the actor from a snapshot in an empty slot.
---@field prepare? fun(actor: Slot, request: PrepareRequest): Status, (PrepareResult|string)?   Makes ahead of need what does not depend on the actor.
---@field recover? fun(actor: Actor, request: RecoverRequest): Status, (RecoverResult|string)?   Says after a restart of the host whether the actor lives: ok, not_running, or anything else to be asked again.
---@field exec? fun(actor: Actor, request: ExecRequest): Status, (ExecResult|string)?   Starts a program beside the actor's.
---@field stats? fun(actor: Actor, request: StatsRequest): Status, (StatsResult|string)?   Says what the actor uses.
---@field probe? fun(actor: Slot, request: ProbeRequest): Status, (ProbeResult|string)?   Says what its tools and assets can do here; asked once for each of them.

---One setting of the operator's, in `config`.
---@class Setting
---@field type "string"|"integer"|"boolean"|"secret"   a secret arrives as a path, never in Lua
---@field default? any   what an absent one means; without it it must be given
---@field one_of? any[]   the allowed values
---@field min? integer   the least integer
---@field max? integer   the greatest integer
---@field help? string   one line for the operator

---What `prepare` and `probe` get, and every other verb too.
---@class Slot
---@field slot_id string   the slot's id
---@field dirs Directories   directories of this slot, removed by the host
---@field network Network|false   the network that the host made; false without one
---@field cgroup? Cgroup   where programs are put; its limits are set
---@field assets table<string, string>   name → path: what the request holds; a missing one is nil
---@field tools table<string, string>   name → path: what was granted; a missing one is nil
---@field devices table<string, string>   name → path: what was granted
---@field config table<string, any>   the operator's values, defaults filled in
---@field probed table<string, any>   what probe answered for these assets, tools and settings
---@field processes table<string, Process>   programs kept by earlier verbs that are alive now

---What the verbs get first.
---@class Actor : Slot
---@field name string   the actor's name, validated
---@field uid string   its uid
---@field atespace string   its atespace, or its namespace
---@field template string   its template
---@field containers Container[]   in the order of the spec
---@field volumes Volume[]   the durable volumes
---@field identity string   the file that is shown at /run/ate/actor-id
---@field limits Limits   the limits of the actor's cgroup
---@field pause_image? string   where the dialect carries one
---@field prepared? any   what prepare answered for this slot
---@field state? any   what an earlier verb answered in state

---Empty at the start of run, restore and prepare; mode 0700.
---@class Directories
---@field runtime string   a runtime's own state
---@field bundles string   bundles
---@field logs string   logs; NAME.log is that container's
---@field work string   anything else; the working directory of programs

---The network of the slot.
---@class Network
---@field namespace string   the network namespace
---@field address string   the actor's address
---@field gateway? string   the way out
---@field interface? string   the interface inside
---@field mtu? integer   its largest packet
---@field tap? string   nil: no host makes a tap device

---Where programs are put.
---@class Cgroup
---@field version "1"|"2"|"hybrid"   the machine's hierarchy
---@field path string   its directory

---One container of the actor.
---@class Container
---@field name string   its name
---@field command string[]   the program and its arguments
---@field env? table<string, string>   nil in checkpoint: the contract sends none
---@field cwd string   the working directory
---@field user User   who it runs as
---@field capabilities? string[]   the names that it keeps, such as CAP_KILL; it has no others
---@field image string   reference and digest
---@field ports? integer[]   from readiness
---@field root? string   its root: writable and private to this actor
---@field volumes Mount[]   every mount: durable ones, what tells the actor about itself, and the operator's
---@field limits? Limits   its own limits, of those in container_limits; workload.start sets them

---Who a container runs as.
---@class User
---@field uid integer   user
---@field gid integer   group
---@field groups? integer[]   further groups

---A volume in a container.
---@class Mount
---@field name string   the volume's name; of what the operator mounts the path
---@field path string   where the container sees it
---@field source string   where it is on the host
---@field read_only boolean   true: it may not be written; mount it read-only

---A durable volume of the actor.
---@class Volume
---@field name string   its name
---@field path? string   in the container
---@field source string   on the host

---Limits; only those that the descriptor enforces can be set.
---@class Limits
---@field cpu_milli? integer   thousandths of a processor
---@field memory_bytes? integer   memory
---@field pids? integer   processes

---Where a checkpoint goes.
---@class CheckpointSnapshot
---@field dir string   empty; what is in it afterwards is the snapshot

---Where a restore comes from.
---@class RestoreSnapshot
---@field dir string   the snapshot's files, verified, read-only
---@field files? string[]   their names
---@field volumes_saved? boolean   whether the volumes are in these files

---What `run` is asked.
---@class RunRequest
---@field timeout_ms integer   what the verb has, in milliseconds

---What `run` may answer with "ok".
---@class RunResult
---@field state? any   plain data of at most 64 KiB that every later verb gets as actor.state
---@field address? string   where the actor is; with network = "backend", and only there

---What `stop` is asked.
---@class StopRequest
---@field grace_ms integer   between TERM and KILL
---@field timeout_ms integer   what the verb has, in milliseconds

---What `checkpoint` is asked.
---@class CheckpointRequest
---@field scope "full"|"data"   what to save
---@field grace_ms integer   between TERM and KILL
---@field timeout_ms integer   what the verb has, in milliseconds
---@field snapshot? CheckpointSnapshot   where to
---@field may_hold? boolean   whether the programs may be kept frozen until a restore of this snapshot

---What `checkpoint` may answer with "ok".
---@class CheckpointResult
---@field volumes_saved? boolean   the volumes are in my files
---@field held? boolean   the programs still run; refused unless request.may_hold

---What `restore` is asked.
---@class RestoreRequest
---@field scope "full"|"data"   what to restore
---@field timeout_ms integer   what the verb has, in milliseconds
---@field snapshot? RestoreSnapshot   where from
---@field own_volumes? boolean   the volumes are the actor's own, not this snapshot's; with data_on_golden, and only there

---What `restore` may answer with "ok".
---@class RestoreResult
---@field state? any   plain data of at most 64 KiB that every later verb gets as actor.state
---@field address? string   where the actor is; with network = "backend", and only there

---What `prepare` is asked.
---@class PrepareRequest
---@field timeout_ms integer   what the verb has, in milliseconds

---What `prepare` may answer with "ok".
---@class PrepareResult
---@field prepared? any   plain data for run and restore: actor.prepared

---What `recover` is asked.
---@class RecoverRequest
---@field timeout_ms integer   what the verb has, in milliseconds

---What `recover` may answer with "ok".
---@class RecoverResult
---@field state? any   plain data of at most 64 KiB that every later verb gets as actor.state

---What `exec` is asked.
---@class ExecRequest
---@field timeout_ms integer   what the verb has, in milliseconds
---@field container string   the container
---@field command string[]   the program and its arguments
---@field tty? boolean   whether a terminal is asked for
---@field env? table<string, string>   its environment

---What `exec` may answer with "ok".
---@class ExecResult
---@field process Process   started with stdio = "client"

---What `stats` is asked.
---@class StatsRequest
---@field timeout_ms integer   what the verb has, in milliseconds

---What `stats` may answer with "ok".
---@class StatsResult
---@field memory_bytes integer   memory
---@field cpu_ns integer   processor time
---@field pids integer   processes

---What `probe` is asked.
---@class ProbeRequest
---@field timeout_ms integer   what the verb has, in milliseconds

---What `probe` may answer with "ok".
---@class ProbeResult
---@field probed? any   plain data for every verb: actor.probed
---@field valid_ms? integer   how long that holds; else until something changes
---@field without? table<string, string>   scope, verb or limit → why it is not to be had
