-- Stats forgets what was used before.
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
  name = "stats-nonsense", api = 1,
  isolation = "kernel-shared",
  needs = { "workload.start", "process.stop" },
  run = start, stop = stop,

  stats = function() return "ok", { memory_bytes = 4096, cpu_ns = 1, pids = 1 } end,
}
