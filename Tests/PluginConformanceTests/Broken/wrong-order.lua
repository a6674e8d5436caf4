-- It starts containers in an order of its own.
local CONFINE = { root = "overlay", seccomp = "default" }

local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

local function backwards(actor)
  for i = #actor.containers, 1, -1 do
    try(host.workload.start { container = actor.containers[i].name, confine = CONFINE })
  end
  return "ok"
end

return {
  name = "wrong-order", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = backwards, stop = stop,
  checkpoint = stop, restore = backwards,
}
