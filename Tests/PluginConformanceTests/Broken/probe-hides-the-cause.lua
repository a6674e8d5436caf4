-- Probe raises what its tool answers in words of its own.
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
  name = "probe-hides-the-cause", api = 1,
  isolation = "kernel-shared",
  tools = { sh = "required" },
  needs = { "workload.start", "process.stop", "process.run" },
  run = start, stop = stop,

  probe = function(slot)
    local status = host.process.run { program = slot.tools.sh, args = { "-c", "exit 0" } }
    if status ~= "ok" then return "unsupported", "the tool is no good" end
    return "ok"
  end,
}
