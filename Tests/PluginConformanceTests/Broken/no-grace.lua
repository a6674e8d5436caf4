-- It kills, and calls that stopping.
local CONFINE = { root = "overlay", seccomp = "default" }

local function start(actor)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name, confine = CONFINE })
  end
  return "ok"
end

local function kill(actor)
  return host.process.stop(actor.processes, 0)
end

return {
  name = "no-grace", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = start, stop = kill,
  checkpoint = kill, restore = start,
}
