-- expect: trap api.type
-- A float where an integer is required, even an integral one.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start", "process.wait" },
  stop = function() return "ok" end,
  run = function(actor)
    local p = try(host.process.start { program = actor.tools.allowed, args = {} })
    host.process.wait({ p }, 5.0)
    return "ok"
  end,
}
