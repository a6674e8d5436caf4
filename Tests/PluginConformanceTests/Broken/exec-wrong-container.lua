-- Exec always enters the first container.
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
  name = "exec-wrong-container", api = 1,
  isolation = "kernel-shared",
  needs = { "workload.start", "workload.enter", "process.stop" },
  run = start, stop = stop,

  exec = function(actor, request)
    local spec = {
      container = actor.containers[1].name, command = request.command, env = request.env, stdio = "client",
    }
    return "ok", { process = try(host.workload.enter(spec)) }
  end,
}
