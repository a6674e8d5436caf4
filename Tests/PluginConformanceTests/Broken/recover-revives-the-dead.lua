-- Recover answers ok without looking.
local good = require "good"

return good.backend {
  name = "recover-revives-the-dead",
  tools = { sh = "required" },
  needs = { "workload.start", "process.start", "process.stop" },

  run = function(actor)
    try(host.process.start {
      program = actor.tools.sh, args = { "-c", "sleep 600" }, name = "helper", keep = true,
    })
    return good.start(actor)
  end,

  recover = function() return "ok" end,
}
