-- expect: trap verb.result
-- A handle leaves its verb in state.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    local p = try(host.process.start { program = actor.tools.allowed, args = {} })
    return "ok", { state = { p = p } }
  end,
}
