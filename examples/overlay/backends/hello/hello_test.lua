-- Tests of hello. Each one gets a fresh host, an empty slot and a fake clock.
local WEB = { name = "web", command = { "/bin/server" } }
local SIDE = { name = "side", command = { "/bin/side" } }

test("run starts every container, in the order of the spec", function(t)
  local actor = t:actor { containers = { WEB, SIDE } }
  t:ok(actor:run())
  t:calls { "workload.start web", "workload.start side" }
  t:equal(actor:processes(), { "side", "web" })
end)

test("a container that does not start fails the run", function(t)
  local actor = t:actor { containers = { WEB, SIDE } }
  t:fault("workload.start", { at = 2, status = "storage_full" })
  t:fails(actor:run(), "storage_full")
end)

test("stop waits for a program that flushes, and no longer", function(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:workload("web"):on("TERM", { after_ms = 300 })
  t:ok(actor:stop { grace_ms = 10000 })
  t:equal(t.clock:elapsed_ms(), 300)
end)

test("a checkpoint is refused before anything happens", function(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:fails(actor:checkpoint { scope = "data" }, "unsupported")
  t:equal(actor:processes(), { "web" })
end)
