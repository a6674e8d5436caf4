-- expect: trap api.type
-- A function inside an argument.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process.start { program = actor.tools.allowed, args = {}, env = { F = print } }
    return "ok"
  end,
}
