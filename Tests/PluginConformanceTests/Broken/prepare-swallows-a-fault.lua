-- Prepare calls a slot warm whose keeper never started.
local good = require "good"

return good.backend {
  name = "prepare-swallows-a-fault",
  tools = { sh = "required" },
  needs = { "workload.start", "process.stop", "process.start" },

  prepare = function(slot)
    host.process.start {
      program = slot.tools.sh, args = { "-c", "exec sleep 600" }, name = "keeper", keep = true,
    }
    return "ok", { prepared = { warm = true } }
  end,
}
