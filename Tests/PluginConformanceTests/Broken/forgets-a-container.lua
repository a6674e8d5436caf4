-- Its run starts the first container alone.
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

local function start_first(actor)
  try(host.workload.start { container = actor.containers[1].name, confine = CONFINE })
  return "ok"
end

return {
  name = "forgets-a-container", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = start_first, stop = stop,
  checkpoint = stop, restore = start,
}
