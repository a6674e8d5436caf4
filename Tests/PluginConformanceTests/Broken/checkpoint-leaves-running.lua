-- Its checkpoint saves volumes that programs still write to.
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

local function leave(actor)
  return "ok"
end

return {
  name = "checkpoint-leaves-running", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = start, stop = stop,
  checkpoint = leave, restore = start,
}
