-- Probe answers how often it could look at the clock in each of twelve milliseconds.
local good = require "good"

return good.backend {
  name = "probe-changes",
  needs = { "workload.start", "process.stop", "clock.left" },

  probe = function()
    local counts = {}
    for index = 1, 12 do
      local now, count = host.clock.left(), 0
      while host.clock.left() == now do count = count + 1 end
      counts[index] = count
    end
    return "ok", { probed = { counts = table.concat(counts, " ") } }
  end,
}
