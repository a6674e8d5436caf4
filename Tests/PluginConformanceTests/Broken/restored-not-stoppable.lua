-- Its restore answers a state that its checkpoint cannot use.
local function start(actor)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name })
  end
end

local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

return {
  name = "restored-not-stoppable", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  needs = { "workload.start", "process.stop" },
  stop = stop,

  run = function(actor)
    start(actor)
    return "ok", { state = { first = actor.containers[1].name } }
  end,

  restore = function(actor)
    start(actor)
    return "ok", { state = { last = actor.containers[1].name } }
  end,

  checkpoint = function(actor, request)
    if not actor.state.first then return "failed", "nobody knows who is first" end
    return stop(actor, request)
  end,
}
