-- Its stop ends one program, whoever else there is.
local good = require "good"

return good.saving {
  name = "leaks-a-process",
  stop = function(actor, request)
    for _, container in ipairs(actor.containers) do
      local process = actor.processes[container.name]
      if process then return host.process.stop(process, request.grace_ms) end
    end
    return "ok"
  end,
}
