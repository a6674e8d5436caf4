-- Its run answers state, which its restore forgets and its stop needs.
local good = require "good"

return good.saving {
  name = "state-lost",
  run = function(actor)
    good.start(actor)
    return "ok", { state = { first = actor.containers[1].name } }
  end,

  stop = function(actor, request)
    try(host.process.stop(actor.processes[actor.state.first], request.grace_ms))
    return good.stop(actor, request)
  end,
}
