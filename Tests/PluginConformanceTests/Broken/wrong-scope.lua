-- It promises memory, and keeps files.
local good = require "good"

return good.saving {
  name = "wrong-scope",
  scopes = { "full", "data" },
}
