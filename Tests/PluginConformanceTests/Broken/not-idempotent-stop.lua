-- Its stop takes a program that is gone for a failure.
local good = require "good"

return good.saving {
  name = "not-idempotent-stop",
  stop = function(actor, request)
    for _, container in ipairs(actor.containers) do
      local process = actor.processes[container.name]
      if not process then return "not_running", container.name .. " does not run" end
      try(host.process.stop(process, request.grace_ms))
    end
    return "ok"
  end,
}
