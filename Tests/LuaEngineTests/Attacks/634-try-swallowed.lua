-- expect: busy
-- A failed try is caught, and the verb ends all the same.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = {},
  stop = function() return "ok" end,
  run = function(actor)
    pcall(function() try("busy", "now") end)
    return "ok"
  end,
}
