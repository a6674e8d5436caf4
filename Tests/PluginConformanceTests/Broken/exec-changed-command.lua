-- Exec drops what follows the script.
local good = require "good"

return good.backend {
  name = "exec-changed-command",
  needs = { "workload.start", "workload.enter", "process.stop" },

  exec = function(_, request)
    local spec = {
      container = request.container, env = request.env, stdio = "client",
      command = { request.command[1], request.command[2], request.command[3] },
    }
    return "ok", { process = try(host.workload.enter(spec)) }
  end,
}
