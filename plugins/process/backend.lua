-- process: every container of the actor is a confined process on this machine's own kernel.
-- It is no boundary against hostile code. It keeps data, not memory: a restore is a run that finds its files.

-- What is written outside the durable volumes goes to an overlay, and away with it.
local CONFINE = {
  namespaces = { "pid", "mount", "net", "ipc", "uts" },
  root = "overlay",
  seccomp = "default",
}

local function start(actor)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name, confine = CONFINE })
  end
  return "ok"
end

-- TERM first, so that programs can flush; what is left after the grace is killed.
local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

local function enter(_, request)
  local process = try(host.workload.enter {
    container = request.container,
    command = request.command,
    env = request.env,
    stdio = "client",
  })
  return "ok", { process = process }
end

return {
  name = "process",
  api = 1,
  summary = "Confined processes on this kernel. Not a security boundary.",
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  container_limits = { "cpu", "memory" },
  needs = { "workload.start", "workload.enter", "process.stop" },

  run = start,
  stop = stop,
  -- The host saves the durable volumes after checkpoint and puts them back before restore.
  checkpoint = stop,
  restore = start,
  exec = enter,
}
