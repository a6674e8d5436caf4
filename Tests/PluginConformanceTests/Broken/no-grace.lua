-- It kills, and calls that stopping.
local good = require "good"

local function kill(actor) return host.process.stop(actor.processes, 0) end

return good.saving {
  name = "no-grace",
  stop = kill, checkpoint = kill,
}
