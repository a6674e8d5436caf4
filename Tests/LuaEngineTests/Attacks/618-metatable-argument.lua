-- expect: trap api.type
-- An argument with __index: metamethods must never run under the marshaller.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    host.process.start(setmetatable({}, { __index = function() return actor.tools.allowed end }))
    return "ok"
  end,
}
