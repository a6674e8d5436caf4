-- expect: trap api.stale
-- Closed twice, the second time through another name.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start", "process.wait" },
  stop = function() return "ok" end,
  run = function(actor)
    local p = try(host.process.start { program = actor.tools.allowed, args = {} })
    local again = p
    do local c <close> = p end
    host.process.wait({ again })
    return "ok"
  end,
}
