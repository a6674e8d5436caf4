-- gvisor: one sandbox per actor, with a kernel of its own in user space. Its root container, "pause", only waits; each
-- container of the actor is one more in the same sandbox. It keeps memory as well as data.

local ROOT, CRI = "pause", "io.kubernetes.cri."

local function command(slot, verb, args, more)
  local has = slot.probed
  local spec = {
    program = slot.assets.runsc or slot.tools.runsc,
    args = {
      "-root", slot.dirs.runtime, "-log", slot.dirs.logs .. "/runsc.log", "-platform", slot.config.platform,
      "-network", "sandbox",
      -- All that it starts is in the actor's cgroup already, limits and all.
      "-ignore-cgroups",
      -- Some builds cannot save an overlay that is kept in a file.
      has.overlay and "-overlay2=root:memory",
      has.disconnect and "-net-disconnect-ok", has.connected and "-allow-connected-on-save",
      verb, args,
    },
    -- Where its network stack sees these it takes the namespace for the machine's own.
    hide = { "/proc/sys/net" },
    -- Registering for it makes every program wait. Not so where a sandbox is made: its workloads would miss it as well.
    refuse = { "membarrier" },
  }
  for key, value in pairs(more or {}) do spec[key] = value end
  return spec
end

local function bundle(name)
  local root = name == ROOT
  return try(host.bundle.write {
    container = name,
    annotations = {
      [CRI .. "container-type"] = root and "sandbox" or "container", [CRI .. "container-name"] = name,
      [CRI .. "sandbox-id"] = not root and ROOT or nil,
    },
  })
end

local function make(slot, verb, options)
  local written = bundle(ROOT)
  local args = { options, "-bundle", written.path, "-pid-file", written.pidfile, ROOT }
  try(host.process.run(command(slot, verb, args, { refuse = {} })))
  try(host.process.adopt { name = ROOT, pidfile = written.pidfile })
end

-- The program that starts a container stays in front of it: its output has a reader whatever becomes of the host, and
-- it ends as the container ends.
local function front(actor, verb, options)
  for _, container in ipairs(actor.containers) do
    local name = container.name
    local args = { "-bundle", bundle(name).path, options, name }
    try(host.process.start(command(actor, verb, args, { name = name, keep = true, log = name })))
  end
  return "ok"
end

local function start(actor)
  if actor.prepared then
    try(host.process.run(command(actor, "start", { ROOT })))
  else
    make(actor, "run", { "-detach" })
  end
  return front(actor, "run", {})
end

local function stop(actor, request)
  local fronts = {}
  for name, process in pairs(actor.processes) do
    if name ~= ROOT and host.process.run(command(actor, "kill", { name, "TERM" })) == "ok" then
      fronts[#fronts + 1] = process
    end
  end
  -- What does not end by itself goes with its sandbox.
  if #fronts > 0 and host.process.wait(fronts, request.grace_ms) == "timeout" then print("the grace is over") end
  return host.process.stop(actor.processes, 0)
end

local function save(actor, request)
  if request.scope == "data" then return stop(actor, request) end
  local plain, hold = actor.probed.compression and "-compression=none", request.may_hold and "-leave-running"
  try(host.process.run(command(actor, "checkpoint", { plain, hold, "-image-path", request.snapshot.dir, ROOT })))
  -- What is not held the host ends, while the caller has its answer already.
  return "ok", { held = request.may_hold }
end

local function wake(actor, request)
  if request.scope == "data" then return start(actor) end
  local images = { "-image-path", request.snapshot.dir }
  -- All from the same files; what was saved begins with the last of them.
  if actor.prepared then
    local args = { images, "-detach", "-bundle", actor.dirs.bundles .. "/" .. ROOT, ROOT }
    try(host.process.run(command(actor, "restore", args)))
  else
    make(actor, "restore", { images, "-detach" })
  end
  return front(actor, "restore", images)
end

-- By a file, since an environment holds secrets and everybody reads a command line.
local function enter(actor, request)
  local env = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" }
  for name, value in pairs(request.env) do env[#env + 1] = name .. "=" .. value end
  local user = { uid = 0, gid = 0 }
  local process = json.encode { terminal = request.tty, user = user, cwd = "/", args = request.command, env = env }
  -- FNV-1a: two programs entered at once must not read each other's file, and equal ones may.
  local hash = 0xcbf29ce484222325
  for i = 1, #process do hash = (hash ~ process:byte(i)) * 0x100000001b3 end
  local path = string.format("%s/exec-%016x.json", actor.dirs.work, hash)
  try(host.file.write(path, process))
  local spec = command(actor, "exec", { "-process", path, request.container }, { stdio = "client" })
  return "ok", { process = try(host.process.start(spec)) }
end

-- Asked once for each binary, never guessed from a version.
local function probe(slot)
  local program = slot.assets.runsc or slot.tools.runsc
  if not program then return "unsupported", 'no asset and no tool named "runsc": --grant tool:runsc=/usr/bin/runsc' end
  local function help(...)
    local out = try(host.process.run { program = program, args = { ... }, exit_codes = "any" })
    return function(word) return (out.stdout .. out.stderr):find(word, 1, true) ~= nil end
  end
  local flags, checkpoint = help("flags"), help("checkpoint", "-help")
  if slot.config.platform == "systrap" and not flags("systrap") then
    return "unsupported", 'this build has no systrap: set platform to "ptrace"'
  end
  -- Builds of that time orphan a sandbox that is restored after it was created.
  local old = not flags("systrap") and "this build cannot restore what it created"
  return "ok", {
    without = old and { full = old } or nil,
    probed = {
      overlay = flags("overlay2"), disconnect = flags("net-disconnect-ok"),
      connected = flags("allow-connected-on-save"), compression = checkpoint("-compression"),
    },
  }
end

return {
  name = "gvisor", api = 1,
  summary = "A kernel in user space between the actor and this machine's.",
  isolation = "user-space-kernel",
  scopes = { "full", "data" }, data_on_golden = true, root_in_memory = true, enforces = { "cpu", "memory", "pids" },
  assets = { runsc = "optional" }, tools = { runsc = "optional" },
  network = "interface",
  config = {
    platform = {
      type = "string", one_of = { "systrap", "ptrace" }, default = "systrap",
      help = "How the sandbox catches what its programs ask of a kernel.",
    },
  },
  needs = {
    "bundle.write", "file.write", "process.adopt", "process.run", "process.start", "process.stop", "process.wait",
  },
  probe = probe,
  prepare = function(slot)
    make(slot, "create", {})
    return "ok", { prepared = { root = "created" } }
  end,
  run = start, stop = stop, checkpoint = save, restore = wake, exec = enter,
}
