-- expect: ok
-- A handle in a <close> variable is closed once, and tostring shows no address.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start", "process.wait" },
  stop = function() return "ok" end,
  run = function(actor)
    do
      local c <close> = try(host.process.start { program = actor.tools.allowed, args = {} })
      assert(not tostring(c):find("0x"))
      try(host.process.wait({ c }))
    end
    return "ok"
  end,
}
