-- bwrap: every container is a bubblewrap sandbox, made by the tool `bwrap` of this machine.
-- Namespaces, a root of its own, no capability but the container's, the operator's filter. It shares the kernel.

-- What this script asks of bwrap; one that is too old is refused before anything runs.
local FLAGS = { "--as-pid-1", "--cap-add", "--seccomp", "--unshare-cgroup-try" }

-- A name that no container can have: container names are DNS labels.
local function sandbox_name(container) return container.name .. "_bwrap" end

local function mounts(container)
  local list = {}
  for _, volume in ipairs(container.volumes) do
    list[#list + 1] = { volume.read_only and "--ro-bind" or "--bind", volume.source, volume.path }
  end
  return list
end

local function capabilities(container)
  local list = { "--cap-drop", "ALL" }
  for _, name in ipairs(container.capabilities or {}) do list[#list + 1] = { "--cap-add", name } end
  return list
end

-- bwrap passes no signal on. Its only child is the container's program, and becomes the process of that name.
local function adopt(container, sandbox)
  while true do
    local status, why = host.process.adopt { name = container.name, child_of = sandbox }
    if status ~= "not_found" then return status, why end
    -- Not there yet; unless bwrap has ended, and then it said why.
    local waited, reason = host.process.wait({ sandbox }, 5)
    if waited == "ok" then return "failed", "bwrap ended before its program was there" end
    if waited ~= "timeout" then return waited, reason end
  end
end

local function start(actor)
  for _, container in ipairs(actor.containers) do
    if container.user.uid ~= 0 then
      return "unsupported", container.name .. " runs as uid " .. container.user.uid .. "; this backend runs uid 0"
    end
    local sandbox = try(host.process.start {
      program = actor.tools.bwrap,
      args = {
        "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--new-session",
        "--hostname", actor.name,
        "--as-pid-1",                              -- TERM reaches the program, not a reaper before it
        "--bind", container.root, "/",
        "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
        "--ro-bind", actor.identity, "/run/ate/actor-id",
        mounts(container), capabilities(container),
        "--seccomp", "9",
        "--chdir", container.cwd,
        "--", container.command,
      },
      env = container.env,                         -- bwrap hands its own environment on
      seccomp_fd = 9,
      log = container.name,
      name = sandbox_name(container), keep = true,
    })
    try(adopt(container, sandbox))
  end
  return "ok"
end

-- The programs first: bwrap ends when its child has ended, and would take it along without a grace.
local function stop(actor, request)
  local programs = {}
  for _, container in ipairs(actor.containers) do
    programs[#programs + 1] = actor.processes[container.name]
  end
  try(host.process.stop(programs, request.grace_ms))
  return host.process.stop(actor.processes, request.grace_ms)
end

return {
  name = "bwrap", api = 1,
  summary = "Bubblewrap sandboxes on this kernel. Not a security boundary.",
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  tools = { bwrap = "required" },
  needs = { "process.run", "process.start", "process.adopt", "process.wait", "process.stop" },

  -- Asked once for each version of the tool.
  probe = function(slot)
    local help = try(host.process.run { program = slot.tools.bwrap, args = { "--help" } }).stdout
    for _, flag in ipairs(FLAGS) do
      if not help:find(flag, 1, true) then return "unsupported", "this bwrap has no " .. flag end
    end
    return "ok"
  end,

  run = start,
  stop = stop,
  -- The host saves the durable volumes after checkpoint and puts them back before restore.
  checkpoint = stop,
  restore = start,
}
