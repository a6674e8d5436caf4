-- Its restore answers a state that its checkpoint cannot use.
local good = require "good"

return good.backend {
  name = "restored-not-stoppable",
  scopes = { "data" },

  run = function(actor)
    good.start(actor)
    return "ok", { state = { first = actor.containers[1].name } }
  end,

  restore = function(actor)
    good.start(actor)
    return "ok", { state = { last = actor.containers[1].name } }
  end,

  checkpoint = function(actor, request)
    if not actor.state.first then return "failed", "nobody knows who is first" end
    return good.stop(actor, request)
  end,
}
