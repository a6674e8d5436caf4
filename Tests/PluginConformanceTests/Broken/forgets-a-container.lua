-- Its run starts the first container alone.
local good = require "good"

return good.saving {
  name = "forgets-a-container",
  run = function(actor)
    try(host.workload.start { container = actor.containers[1].name, confine = good.confine })
    return "ok"
  end,
}
