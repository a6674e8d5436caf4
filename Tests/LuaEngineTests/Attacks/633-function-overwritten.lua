-- expect: trap api.readonly
-- A host function is replaced.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "clock.left" },
  stop = function() return "ok" end,
  run = function(actor)
    host.clock.left = function() return 0 end
    return "ok"
  end,
}
