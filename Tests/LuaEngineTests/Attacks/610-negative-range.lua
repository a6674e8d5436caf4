-- expect: trap api.range
-- A negative time-out.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start", "process.wait" },
  stop = function() return "ok" end,
  run = function(actor)
    local p = try(host.process.start { program = actor.tools.allowed, args = {} })
    host.process.wait({ p }, math.mininteger)
    return "ok"
  end,
}
