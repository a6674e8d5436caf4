-- Probe answers the time that it has left.
local good = require "good"

return good.backend {
  name = "probe-changes",
  needs = { "workload.start", "process.stop", "clock.left", "clock.sleep" },

  probe = function()
    host.clock.sleep(2)
    return "ok", { probed = { left = host.clock.left() } }
  end,
}
