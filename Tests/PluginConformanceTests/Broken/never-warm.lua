-- Prepare always has something better to do.
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
  name = "never-warm", api = 1,
  isolation = "kernel-shared",
  needs = { "workload.start", "process.stop" },
  run = start, stop = stop,

  prepare = function() return "busy", "not now" end,
}
