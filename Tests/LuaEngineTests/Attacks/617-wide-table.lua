-- expect: trap api.limit
-- More values than the limit.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    local t = { program = actor.tools.allowed, args = {} }
    for i = 1, 20000 do t.args[i] = "x" end
    host.process.start(t)
    return "ok"
  end,
}
