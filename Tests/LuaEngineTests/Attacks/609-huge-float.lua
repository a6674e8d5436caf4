-- expect: trap api.type
-- 1e308 inside a table argument.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process.start { program = actor.tools.allowed, args = {}, seccomp_fd = 1e308 }
    return "ok"
  end,
}
