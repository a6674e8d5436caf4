-- containers: what a backend does with all containers of an actor. A module of `lib` answers one table.
local containers = {}

-- Starts them in the order of the spec. `confine` is that of workload.start; nil is the default.
function containers.start(actor, confine)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name, confine = confine })
  end
  return "ok"
end

-- TERM to all, and KILL after the grace to what is left.
function containers.stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

return containers
