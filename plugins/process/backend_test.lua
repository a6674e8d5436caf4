-- Tests of the process backend. Each test gets a fresh host, an empty slot and a fake clock.
local WEB = { name = "web", command = { "/bin/server" }, volumes = { { name = "data", path = "/data" } } }

test("run starts every container, in the order of the spec", function(t)
  local actor = t:actor { containers = { WEB, { name = "side", command = { "/bin/side" } } } }
  t:ok(actor:run())
  t:calls { "workload.start web", "workload.start side" }
  t:equal(actor:processes(), { "side", "web" })
end)

test("a checkpoint lets the program flush, then the host saves its volumes", function(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:workload("web"):on("TERM", { writes = { ["/data/count"] = "41" }, after_ms = 300 })
  local snapshot = t:ok(actor:checkpoint { scope = "data" })
  t:equal(snapshot.files, { "durable-dir.tar" })
  t:equal(t:ok(snapshot:read "data/count"), "41")
end)

test("a program that ignores TERM is killed when the grace is over", function(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:workload("web"):on("TERM", "ignore")
  t:ok(actor:stop { grace_ms = 10000 })
  t:equal(t.clock:elapsed_ms(), 10000)
end)

test("restore on another slot finds the files and nothing else", function(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:workload("web"):write("/data/count", "41")
  t:workload("web"):write("/var/scratch", "x")
  local snapshot = t:ok(actor:checkpoint { scope = "data" })
  local again = t:ok(t:slot("slot-2"):restore(actor, snapshot))
  t:equal(t:ok(again:workload("web"):read "/data/count"), "41")
  t:fails(again:workload("web"):read("/var/scratch"), "not_found")
end)

test("a full disk while starting is what the run answers", function(t)
  local actor = t:actor { containers = { WEB, { name = "side", command = { "/bin/side" } } } }
  t:fault("workload.start", { at = 2, status = "storage_full" })
  t:fails(actor:run(), "storage_full")    -- and, as after every test, nothing may be left behind
end)

test("full scope is refused before anything happens", function(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:fails(actor:checkpoint { scope = "full" }, "unsupported")
  t:calls { "workload.start web" }
end)
