-- expect: trap api.text
-- A NUL byte in a path.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "file.write" },
  stop = function() return "ok" end,
  run = function(actor)
    host.file.write(actor.dirs.work .. "/allowed\0/../sh", "x")
    return "ok"
  end,
}
