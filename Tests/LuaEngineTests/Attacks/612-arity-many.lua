-- expect: trap api.arity
-- Too many arguments.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "clock.sleep" },
  stop = function() return "ok" end,
  run = function(actor)
    host.clock.sleep(1, 2)
    return "ok"
  end,
}
