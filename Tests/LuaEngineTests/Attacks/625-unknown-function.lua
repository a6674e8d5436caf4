-- expect: trap api.name
-- A function that there is none of.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process.kill_all()
    return "ok"
  end,
}
