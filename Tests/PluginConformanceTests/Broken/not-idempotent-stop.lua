-- Its stop takes a program that is gone for a failure.
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

local function stop_all(actor, request)
  for _, container in ipairs(actor.containers) do
    local process = actor.processes[container.name]
    if not process then return "not_running", container.name .. " does not run" end
    try(host.process.stop(process, request.grace_ms))
  end
  return "ok"
end

return {
  name = "not-idempotent-stop", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = start, stop = stop_all,
  checkpoint = stop, restore = start,
}
