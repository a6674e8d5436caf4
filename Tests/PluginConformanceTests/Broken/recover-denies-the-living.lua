-- Recover looks for a container that is called main.
local function start(actor)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name })
  end
  return "ok"
end

local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

return {
  name = "recover-denies-the-living", api = 1,
  isolation = "kernel-shared",
  needs = { "workload.start", "process.stop" },
  run = start, stop = stop,

  recover = function(actor)
    if not actor.processes.main then return "not_running", "main is gone" end
    return "ok"
  end,
}
