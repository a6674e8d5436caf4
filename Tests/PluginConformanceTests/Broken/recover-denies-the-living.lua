-- Recover looks for a container that is called main.
local good = require "good"

return good.backend {
  name = "recover-denies-the-living",
  recover = function(actor)
    if not actor.processes.main then return "not_running", "main is gone" end
    return "ok"
  end,
}
