-- expect: trap api.type
-- A function where a process belongs.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.wait" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process.wait({ print })
    return "ok"
  end,
}
