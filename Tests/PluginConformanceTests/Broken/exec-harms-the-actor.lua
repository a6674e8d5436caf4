-- Exec asks the container to end before it does anything else.
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
  name = "exec-harms-the-actor", api = 1,
  isolation = "kernel-shared",
  needs = { "workload.start", "workload.enter", "process.wait", "process.stop" },
  run = start, stop = stop,

  exec = function(_, request)
    local ending = { container = request.container, command = { "/bin/sh", "-c", "kill 1" } }
    try(host.process.wait({ try(host.workload.enter(ending)) }))
    local spec = {
      container = request.container, command = request.command, env = request.env, stdio = "client",
    }
    return "ok", { process = try(host.workload.enter(spec)) }
  end,
}
