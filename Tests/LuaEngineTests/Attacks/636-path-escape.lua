-- expect: ok
-- A path that climbs out of the directories of the slot.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "file.write" },
  stop = function() return "ok" end,
  run = function(actor)
    local status = host.file.write(actor.dirs.work .. "/../../../../etc/passwd", "x")
    assert(status == "access_denied", status)
    return "ok"
  end,
}
