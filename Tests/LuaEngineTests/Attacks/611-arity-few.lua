-- expect: trap api.arity
-- Too few arguments.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "file.write" },
  stop = function() return "ok" end,
  run = function(actor)
    host.file.write(actor.dirs.work .. "/x")
    return "ok"
  end,
}
