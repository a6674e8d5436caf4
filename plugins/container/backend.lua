-- container: every container of the actor is an OCI container, made by a command-line runtime.
-- Like process it shares this machine's kernel, and is no boundary against hostile code. It keeps data, not memory.

-- The actor's own cgroup holds every program of a script already, limits and all: the runtime makes none.
local RUNTIMES = {
  { tool = "runc", flags = { "--rootless", "true" } },
  -- It refuses a machine that shows both kinds of hierarchy, so it does not see the second.
  { tool = "crun", flags = { "--cgroup-manager", "disabled" }, hide = { "/sys/fs/cgroup/unified" } },
}

local function command(slot, verb, args)
  for _, runtime in ipairs(RUNTIMES) do
    local program = slot.tools[runtime.tool]
    if program then
      return {
        program = program,
        args = { "--root", slot.dirs.runtime, runtime.flags, verb, args },
        hide = slot.cgroup.version == "hybrid" and runtime.hide or nil,
      }
    end
  end
end

-- The runtime stays in front of its container: the output has a reader whatever becomes of the host, signals and
-- the exit code pass through, and the end of one is the end of the other.
local function start(actor)
  for _, container in ipairs(actor.containers) do
    local name = container.name
    local bundle = try(host.bundle.write {
      container = name, seccomp = actor.config.seccomp, user_namespace = actor.config.user_namespace,
    })
    local spec = command(actor, "run", { "--bundle", bundle.path, name })
    spec.name, spec.keep, spec.log = name, true, name
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

-- FNV-1a: two programs entered at once must not read each other's file, and equal ones may.
local function digest(text)
  local hash = 0xcbf29ce484222325
  for i = 1, #text do hash = (hash ~ text:byte(i)) * 0x100000001b3 end
  return string.format("%016x", hash)
end

-- By a file, since an environment holds secrets and everybody reads a command line.
local function enter(actor, request)
  if actor.config.user_namespace and actor.tools.runc then
    local version = try(host.process.run { program = actor.tools.runc, args = { "--version" } }).stdout
    -- It enters the user namespace first, and may not go into the slot's network from there.
    if version:find("version 1%.[01]%.") then
      return "unsupported", "this runc cannot enter a user namespace: use 1.2 or newer, or crun"
    end
  end
  local env = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" }
  for name, value in pairs(request.env) do env[#env + 1] = name .. "=" .. value end
  local kept
  for _, container in ipairs(actor.containers) do
    if container.name == request.container then kept = container.capabilities end
  end
  local process = json.encode {
    terminal = request.tty, user = { uid = 0, gid = 0 }, cwd = "/", args = request.command, env = env,
    capabilities = { bounding = kept, effective = kept, permitted = kept }, noNewPrivileges = true,
  }
  local path = actor.dirs.work .. "/exec-" .. digest(process) .. ".json"
  try(host.file.write(path, process))
  local spec = command(actor, "exec", { "--process", path, request.container })
  spec.stdio = "client"
  return "ok", { process = try(host.process.start(spec)) }
end

return {
  name = "container",
  api = 1,
  summary = "OCI containers on this kernel. Not a security boundary.",
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  tools = { runc = "optional", crun = "optional" },
  config = {
    seccomp = {
      type = "string", one_of = { "default", "strict", "none" }, default = "default",
      help = "The filter of the containers' system calls.",
    },
    user_namespace = { type = "boolean", default = false, help = "Root inside is nobody of the machine." },
  },
  needs = { "bundle.write", "file.write", "process.start", "process.run", "process.stop" },

  probe = function(slot)
    if command(slot, "state", {}) then return "ok" end
    return "unsupported", 'grant a tool named "runc" or "crun": --grant tool:runc=/usr/sbin/runc'
  end,

  run = start,
  stop = stop,
  -- The host saves the durable volumes after checkpoint and puts them back before restore.
  checkpoint = stop,
  restore = start,
  exec = enter,
}
