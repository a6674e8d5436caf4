-- expect: trap api.stale
-- Use after close.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start", "process.wait" },
  stop = function() return "ok" end,
  run = function(actor)
    local p = try(host.process.start { program = actor.tools.allowed, args = {} })
    try(host.process.wait({ p }))
    host.process.wait({ p }, 1)
    return "ok"
  end,
}
