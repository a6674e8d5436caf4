-- It remembers the environment, where the journal keeps it.
local good = require "good"

local function remember(actor)
  good.start(actor)
  return "ok", { state = { environment = actor.containers[1].env } }
end

return good.saving {
  name = "secret-in-state",
  run = remember, restore = remember,
}
