-- Exec starts a second program that nobody waits for.
local good = require "good"

return good.backend {
  name = "leaked-handle",
  needs = { "workload.start", "workload.enter", "process.stop" },

  exec = function(_, request)
    host.workload.enter { container = request.container, command = { "/bin/sh", "-c", "sleep 600" } }
    local spec = {
      container = request.container, command = request.command, env = request.env, stdio = "client",
    }
    return "ok", { process = try(host.workload.enter(spec)) }
  end,
}
