-- container: every container of the actor is an OCI container, made by a command-line runtime.
-- Like process it shares this machine's kernel, and is no boundary against hostile code. criu keeps its memory.

-- The actor's own cgroup holds every program of a script already, limits and all: the runtime makes none.
local RUNTIMES = {
  { tool = "runc", flags = { "--rootless", "true" } },
  -- It refuses a machine that shows both kinds of hierarchy, so it does not see the second.
  { tool = "crun", flags = { "--cgroup-manager", "disabled" }, hide = { "/sys/fs/cgroup/unified" } },
}

local function command(slot, verb, args)
  local saver = slot.tools.criu
  for _, runtime in ipairs(RUNTIMES) do
    if slot.tools[runtime.tool] then
      return {
        program = slot.tools[runtime.tool], args = { "--root", slot.dirs.runtime, runtime.flags, verb, args },
        hide = slot.cgroup.version == "hybrid" and runtime.hide or nil,
        -- A runtime looks for it by its name: the granted one comes first.
        env = saver and { PATH = saver:match("^(.*)/") .. ":/usr/sbin:/usr/bin:/sbin:/bin" } or nil,
      }, runtime.tool
    end
  end
end

-- The runtime stays in front of its container: the output has a reader whatever becomes of the host, signals and
-- the exit code pass through, and the end of one is the end of the other. Who joins no network lets its pipes be seen.
local function front(actor, verb, options)
  for _, container in ipairs(actor.containers) do
    local name, users = container.name, actor.config.user_namespace
    local bundle = { container = name, seccomp = actor.config.seccomp, user_namespace = users, join_network = users }
    local spec = command(actor, verb, { "--bundle", try(host.bundle.write(bundle)).path, options, name })
    spec.name, spec.keep, spec.log = name, true, name
    if verb == "restore" then spec.restores, spec.errors = true, actor.dirs.logs .. "/restore.log" end
    try(host.process.start(spec))
  end
  return "ok"
end

local function stop(actor, request)
  local status, reason = host.process.stop(actor.processes, request.grace_ms)
  for _, container in ipairs(actor.containers) do
    -- It fails where the runtime has cleaned up by itself, which is as good.
    local spec = command(actor, "delete", { "--force", container.name })
    spec.exit_codes = "any"
    local left, why = host.process.run(spec)
    if left ~= "ok" then print(container.name .. ": " .. why) end
  end
  return status, reason
end

local function files(actor, request) return { "--image-path", request.snapshot.dir, "--work-path", actor.dirs.logs } end
local function save(actor, request)
  if request.scope == "data" then return stop(actor, request) end
  -- Its files have the same names for every container, and a snapshot is one directory.
  if #actor.containers > 1 then return "unsupported", "memory is kept of an actor with one container alone" end
  local spec = command(actor, "checkpoint", { files(actor, request), actor.containers[1].name })
  spec.errors = actor.dirs.logs .. "/dump.log"
  try(host.process.run(spec)) -- What cannot be saved runs on.
  return stop(actor, request)
end

local function wake(actor, request)
  if request.scope == "data" then return front(actor, "run", {}) end
  return front(actor, "restore", files(actor, request))
end

-- By a file, since an environment holds secrets and everybody reads a command line.
local function enter(actor, request)
  local runc = actor.config.user_namespace and actor.tools.runc
  -- It enters the user namespace first, and may not go into the slot's network from there.
  if runc and try(host.process.run { program = runc, args = { "--version" } }).stdout:find("version 1%.[01]%.") then
    return "unsupported", "this runc cannot enter a user namespace: use 1.2 or newer, or crun"
  end
  local env = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" }
  for name, value in pairs(request.env) do env[#env + 1] = name .. "=" .. value end
  local hash, kept = 0xcbf29ce484222325, nil
  for _, one in ipairs(actor.containers) do kept = one.name == request.container and one.capabilities or kept end
  local process = json.encode {
    terminal = request.tty, user = { uid = 0, gid = 0 }, cwd = "/", args = request.command, env = env,
    capabilities = { bounding = kept, effective = kept, permitted = kept }, noNewPrivileges = true,
  }
  -- FNV-1a: two programs entered at once must not read each other's file, and equal ones may.
  for i = 1, #process do hash = (hash ~ process:byte(i)) * 0x100000001b3 end
  local path = string.format("%s/exec-%016x.json", actor.dirs.work, hash)
  try(host.file.write(path, process))
  local spec = command(actor, "exec", { "--process", path, request.container })
  spec.stdio = "client"
  return "ok", { process = try(host.process.start(spec)) }
end

-- Why memory cannot be kept here; nil where it can. Asked, not believed: not every criu goes with every kernel.
local function lacks(slot, program, runtime)
  local saver = slot.tools.criu
  if not saver then return 'grant a tool named "criu": --grant tool:criu=/usr/local/sbin/criu' end
  if slot.config.user_namespace then return "user_namespace is on: memory is kept without one alone" end
  local built = try(host.process.run { program = program, args = { "--version" } }).stdout
  if runtime == "crun" and not built:find("+CRIU", 1, true) then return "this crun has no criu: grant runc" end
  local able, why, said = host.process.run { program = saver, args = { "check" }, restores = true }
  if able ~= "ok" then return said and "criu check: " .. (said.stderr:match(".*(Error[^\n]*)") or why) or why end
end

local function probe(slot)
  local spec, name = command(slot, "state", {})
  if not spec then return "unsupported", 'grant a tool named "runc" or "crun": --grant tool:runc=/usr/sbin/runc' end
  return "ok", { without = { full = lacks(slot, spec.program, name) } }
end

return {
  name = "container", api = 1, isolation = "kernel-shared", scopes = { "data", "full" },
  summary = "OCI containers on this kernel. Not a security boundary.",
  enforces = { "cpu", "memory", "pids" }, tools = { runc = "optional", crun = "optional", criu = "optional" },
  config = {
    seccomp = { type = "string", one_of = { "default", "strict", "none" }, default = "default",
      help = "The filter of the containers' system calls." },
    user_namespace = { type = "boolean", default = false, help = "Root inside is nobody of the machine." },
  },
  needs = { "bundle.write", "file.write", "process.start", "process.run", "process.stop" },
  probe = probe, run = function(actor) return front(actor, "run", {}) end,
  stop = stop, checkpoint = save, restore = wake, exec = enter,
}
