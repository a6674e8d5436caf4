-- It remembers the environment, where the journal keeps it.
local CONFINE = { root = "overlay", seccomp = "default" }

local function start(actor)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name, confine = CONFINE })
  end
  return "ok"
end

local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

local function remember(actor)
  start(actor)
  return "ok", { state = { environment = actor.containers[1].env } }
end

return {
  name = "secret-in-state", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = remember, stop = stop,
  checkpoint = stop, restore = remember,
}
