-- expect: trap api.type
-- pcall swallows a host trap and the next line goes on.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "clock.sleep" },
  stop = function() return "ok" end,
  run = function(actor)
    pcall(host.clock.sleep, "long")
    print("still here")
    return "ok"
  end,
}
