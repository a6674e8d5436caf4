-- Exec always enters the first container.
local good = require "good"

return good.backend {
  name = "exec-wrong-container",
  needs = { "workload.start", "workload.enter", "process.stop" },

  exec = function(actor, request)
    local spec = {
      container = actor.containers[1].name, command = request.command, env = request.env, stdio = "client",
    }
    return "ok", { process = try(host.workload.enter(spec)) }
  end,
}
