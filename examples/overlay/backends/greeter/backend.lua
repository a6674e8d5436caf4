-- greeter: hello with a module, a setting and snapshots of the durable volumes.
local containers = require "containers"

return {
  name = "greeter", api = 1,
  summary = "Confined processes, with a word to the log.",
  isolation = "kernel-shared",
  scopes = { "data" },
  config = { greeting = { type = "string", default = "hello", help = "What the log says at each run." } },
  needs = { "workload.start", "process.stop" },

  run = function(actor)
    print(actor.config.greeting .. ", " .. actor.name)
    return containers.start(actor, { root = "overlay" })
  end,

  stop = containers.stop,
  -- The host saves the durable volumes after checkpoint, and puts them back before restore.
  checkpoint = containers.stop,
  -- Not containers.start itself: a verb gets the request second, and start takes how to confine.
  restore = function(actor) return containers.start(actor) end,
}
