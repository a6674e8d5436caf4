-- expect: trap api.limit
-- A table that holds itself.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    local t = { program = actor.tools.allowed, args = {} }
    t.args[1] = t.args
    host.process.start(t)
    return "ok"
  end,
}
