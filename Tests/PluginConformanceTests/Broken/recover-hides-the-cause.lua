-- Recover says the same whatever went wrong with its look.
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
  name = "recover-hides-the-cause", api = 1,
  isolation = "kernel-shared",
  tools = { sh = "required" },
  needs = { "workload.start", "process.stop", "process.run" },
  run = start, stop = stop,

  recover = function(actor)
    local status = host.process.run { program = actor.tools.sh, args = { "-c", "exit 0" } }
    if status ~= "ok" then return "failed", "no idea" end
    return "ok"
  end,
}
