-- Exec asks the container to end before it does anything else.
local good = require "good"

return good.backend {
  name = "exec-harms-the-actor",
  needs = { "workload.start", "workload.enter", "process.wait", "process.stop" },

  exec = function(_, request)
    local ending = { container = request.container, command = { "/bin/sh", "-c", "kill 1; sleep 600" } }
    -- It ends with the container.
    host.process.wait({ try(host.workload.enter(ending)) })
    local spec = {
      container = request.container, command = request.command, env = request.env, stdio = "client",
    }
    return "ok", { process = try(host.workload.enter(spec)) }
  end,
}
