-- expect: trap budget.log | trap budget.instructions
-- Logging without end.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = {},
  stop = function() return "ok" end,
  run = function(actor)
    local x = ("x"):rep(10000)
    while true do print(x) end
  end,
}
