-- Its stop ends one program, whoever else there is.
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

local function stop_one(actor, request)
  for _, container in ipairs(actor.containers) do
    local process = actor.processes[container.name]
    if process then return host.process.stop(process, request.grace_ms) end
  end
  return "ok"
end

return {
  name = "leaks-a-process", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = start, stop = stop_one,
  checkpoint = stop, restore = start,
}
