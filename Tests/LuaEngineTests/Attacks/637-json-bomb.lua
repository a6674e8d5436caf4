-- expect: ok
-- Text that nests as deep as it is long.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = {},
  stop = function() return "ok" end,
  run = function(actor)
    assert(json.decode(("["):rep(400000)) == "failed")
    return "ok"
  end,
}
