-- expect: trap api.text
-- Bytes that are not UTF-8.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "workload.start" },
  stop = function() return "ok" end,
  run = function(actor)
    host.workload.start { container = "\xff\xfe" }
    return "ok"
  end,
}
