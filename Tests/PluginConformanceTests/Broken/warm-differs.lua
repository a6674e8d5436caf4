-- In a warm slot run starts the first container alone.
local function start(actor)
  if actor.prepared then
    try(host.workload.start { container = actor.containers[1].name })
    return "ok"
  end
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name })
  end
  return "ok"
end

local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

return {
  name = "warm-differs", api = 1,
  isolation = "kernel-shared",
  needs = { "workload.start", "process.stop" },
  run = start, stop = stop,

  prepare = function() return "ok", { prepared = { warm = true } } end,
}
