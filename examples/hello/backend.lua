-- hello: the smallest backend that serves. Every container is one confined process; nothing is saved.
return {
  name = "hello", api = 1,
  summary = "The smallest backend that serves.",
  isolation = "kernel-shared",
  needs = { "workload.start", "process.stop" },

  run = function(actor)
    for _, container in ipairs(actor.containers) do
      try(host.workload.start { container = container.name })
    end
    return "ok"
  end,

  stop = function(actor, request)
    return host.process.stop(actor.processes, request.grace_ms)
  end,
}
