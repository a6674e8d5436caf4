-- It starts containers in an order of its own.
local good = require "good"

local function backwards(actor)
  for i = #actor.containers, 1, -1 do
    try(host.workload.start { container = actor.containers[i].name, confine = good.confine })
  end
  return "ok"
end

return good.saving {
  name = "wrong-order",
  run = backwards, restore = backwards,
}
