-- Its run drops the status of what it starts.
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

local function start_and_hope(actor)
  for _, container in ipairs(actor.containers) do
    host.workload.start { container = container.name, confine = CONFINE }
  end
  return "ok"
end

return {
  name = "swallowed-fault", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = start_and_hope, stop = stop,
  checkpoint = stop, restore = start,
}
