-- expect: trap api.type
-- A table shaped like a handle.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.wait" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process.wait({ { index = 0, generation = 7 } })
    return "ok"
  end,
}
