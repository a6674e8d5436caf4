-- Exec starts a second program that nobody waits for.
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
  name = "leaked-handle", api = 1,
  isolation = "kernel-shared",
  needs = { "workload.start", "workload.enter", "process.stop" },
  run = start, stop = stop,

  exec = function(_, request)
    host.workload.enter { container = request.container, command = { "/bin/sh", "-c", "sleep 600" } }
    local spec = {
      container = request.container, command = request.command, env = request.env, stdio = "client",
    }
    return "ok", { process = try(host.workload.enter(spec)) }
  end,
}
