-- expect: trap api.limit
-- Nesting far over the limit.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "process.start" },
  stop = function() return "ok" end,
  run = function(actor)
    local t = {}
    local p = t
    for _ = 1, 10000 do p.x = {}; p = p.x end
    host.process.start(t)
    return "ok"
  end,
}
