-- In a warm slot run starts the first container alone.
local good = require "good"

return good.backend {
  name = "warm-differs",
  run = function(actor)
    if not actor.prepared then return good.start(actor) end
    try(host.workload.start { container = actor.containers[1].name })
    return "ok"
  end,

  prepare = function() return "ok", { prepared = { warm = true } } end,
}
