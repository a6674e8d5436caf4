-- Prepare always has something better to do.
local good = require "good"

return good.backend {
  name = "never-warm",
  prepare = function() return "busy", "not now" end,
}
