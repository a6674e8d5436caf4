-- Tests of chroot: what it asks of the tool, and what it refuses.
local WEB = { name = "web", command = { "/bin/server", "--port", "8080" } }

test("run starts chroot in the container's root, as its user", function(t)
  t:program("chroot", { { "--userspec=0:0", "/bin/server", "--port", "8080" } })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:calls { "process.start web: actor.tools.chroot" }
  t:equal(actor:processes(), { "web" })
end)

test("stop ends the program", function(t)
  t:program("chroot", { {} })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:ok(actor:stop { grace_ms = 1000 })
  t:equal(actor:processes(), {})
end)

test("volumes are refused before anything is started", function(t)
  t:program("chroot", { {} })
  local volumes = { { name = "data", path = "/data" } }
  local actor = t:actor { containers = { { name = "web", command = { "/bin/server" }, volumes = volumes } } }
  t:fails(actor:run(), "unsupported")
  t:calls {}
end)
