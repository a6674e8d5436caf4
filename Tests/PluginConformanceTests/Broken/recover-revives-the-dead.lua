-- Recover answers ok without looking.
local function start(actor)
  try(host.process.start {
    program = actor.tools.sh, args = { "-c", "sleep 600" }, name = "helper", keep = true,
  })
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name })
  end
  return "ok"
end

local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

return {
  name = "recover-revives-the-dead", api = 1,
  isolation = "kernel-shared",
  tools = { sh = "required" },
  needs = { "workload.start", "process.start", "process.stop" },
  run = start, stop = stop,

  recover = function() return "ok" end,
}
