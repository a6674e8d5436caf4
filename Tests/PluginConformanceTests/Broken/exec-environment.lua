-- Exec forgets the environment.
local good = require "good"

return good.backend {
  name = "exec-environment",
  needs = { "workload.start", "workload.enter", "process.stop" },

  exec = function(_, request)
    local spec = { container = request.container, command = request.command, stdio = "client" }
    return "ok", { process = try(host.workload.enter(spec)) }
  end,
}
