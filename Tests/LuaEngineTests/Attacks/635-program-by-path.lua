-- expect: trap api.type
-- A program that nobody granted, by its path.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process.start { program = "/bin/sh", args = { "-c", "id" } }
    return "ok"
  end,
}
