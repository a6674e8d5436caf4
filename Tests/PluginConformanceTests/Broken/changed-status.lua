-- Whatever the world says, it answers that it failed.
local good = require "good"

return good.saving {
  name = "changed-status",
  run = function(actor)
    for _, container in ipairs(actor.containers) do
      local status = host.workload.start { container = container.name, confine = good.confine }
      if status ~= "ok" then return "failed", "it did not work" end
    end
    return "ok"
  end,
}
