-- expect: trap api.readonly
-- A host module is replaced.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process = { start = function() return "ok" end }
    return "ok"
  end,
}
