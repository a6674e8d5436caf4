-- Probe raises what its tool answers in words of its own.
local good = require "good"

return good.backend {
  name = "probe-hides-the-cause",
  tools = { sh = "required" },
  needs = { "workload.start", "process.stop", "process.run" },

  probe = function(slot)
    local status = host.process.run { program = slot.tools.sh, args = { "-c", "exit 0" } }
    if status ~= "ok" then return "unsupported", "the tool is no good" end
    return "ok"
  end,
}
