-- expect: trap verb.result
-- The verb returns a function inside its result.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = {},
  stop = function() return "ok" end,
  run = function(actor)
    return "ok", { state = { f = print } }
  end,
}
