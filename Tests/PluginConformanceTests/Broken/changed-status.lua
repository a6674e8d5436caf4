-- Whatever the world says, it answers that it failed.
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

local function hide(actor)
  for _, container in ipairs(actor.containers) do
    local status = host.workload.start { container = container.name, confine = CONFINE }
    if status ~= "ok" then return "failed", "it did not work" end
  end
  return "ok"
end

return {
  name = "changed-status", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = hide, stop = stop,
  checkpoint = stop, restore = start,
}
