-- Probe answers the time that it has left.
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
  name = "probe-changes", api = 1,
  isolation = "kernel-shared",
  needs = { "workload.start", "process.stop", "clock.left", "clock.sleep" },
  run = start, stop = stop,

  probe = function()
    host.clock.sleep(2)
    return "ok", { probed = { left = host.clock.left() } }
  end,
}
