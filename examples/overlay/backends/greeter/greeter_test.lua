-- Tests of greeter; the module `containers` of this overlay is loaded with it.
local WEB = { name = "web", command = { "/bin/server" }, volumes = { { name = "data", path = "/data" } } }

test("run starts what the module starts", function(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:calls { "workload.start web" }
end)

test("a restore finds the files that the checkpoint saved", function(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:workload("web"):write("/data/count", "41")
  local snapshot = t:ok(actor:checkpoint { scope = "data" })
  t:equal(t:ok(snapshot:read "data/count"), "41")
  t:ok(actor:restore(snapshot))
  t:equal(t:ok(t:workload("web"):read "/data/count"), "41")
end)
