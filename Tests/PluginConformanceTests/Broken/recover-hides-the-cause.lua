-- Recover says the same whatever went wrong with its look.
local good = require "good"

return good.backend {
  name = "recover-hides-the-cause",
  tools = { sh = "required" },
  needs = { "workload.start", "process.stop", "process.run" },

  recover = function(actor)
    local status = host.process.run { program = actor.tools.sh, args = { "-c", "exit 0" } }
    if status ~= "ok" then return "failed", "no idea" end
    return "ok"
  end,
}
