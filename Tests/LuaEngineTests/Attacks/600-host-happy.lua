-- expect: ok
-- The smallest good plugin.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "clock.left" },
  stop = function() return "ok" end,
  run = function(actor)
    print("hello")
    assert(math.type(host.clock.left()) == "integer")
    return "ok"
  end,
}
