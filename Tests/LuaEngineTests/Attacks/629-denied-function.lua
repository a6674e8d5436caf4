-- expect: trap api.name
-- A function that exists and is not in needs.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process.run { program = actor.tools.allowed, args = {} }
    return "ok"
  end,
}
