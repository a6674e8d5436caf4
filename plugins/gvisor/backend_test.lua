-- Tests of the gvisor backend: what it asks of runsc, with rules in runsc's place.
local WEB = { name = "web", command = { "/bin/server" }, volumes = { { name = "data", path = "/data" } } }

-- What a build of 2024 says of itself, and what it leaves when it makes a sandbox.
local function runsc(t, flags)
  t:program("runsc", {
    { "flags", stdout = flags or "-platform systrap ptrace -overlay2 -net-disconnect-ok" },
    { "checkpoint", "-help", stdout = "-compression" },
    { "create", "-pid-file", pidfile = "bundles/pause.pid" },
    { "run", "-detach", "-pid-file", pidfile = "bundles/pause.pid" },
    { "restore", "-detach", "-pid-file", pidfile = "bundles/pause.pid" },
    { "start", "pause" }, { "run", "-bundle" }, { "restore", "-image-path" }, { "kill" },
    { "checkpoint", "-image-path" },
  }, { real = flags == nil })
end

test("run makes a sandbox and puts each container into it", function(t)
  runsc(t)
  local actor = t:actor { containers = { WEB, { name = "side", command = { "/bin/side" } } } }
  t:ok(actor:run())
  t:equal(actor:processes(), { "pause", "side", "web" })
end)

test("without runsc the actor is refused, with how to grant it", function(t)
  local actor = t:actor { containers = { WEB } }
  t:fails(actor:run(), "unsupported")
  t:calls {}
end)

test("a build without systrap says what to set", function(t)
  runsc(t, "-platform ptrace kvm")
  t:fails(t:actor({ containers = { WEB } }):run(), "unsupported")
end)

test("a full checkpoint ends the sandbox, and restore wakes it container by container", function(t)
  runsc(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  local snapshot = t:ok(actor:checkpoint { scope = "full" })
  t:equal(actor:processes(), {})
  t:ok(actor:restore(snapshot))
  t:equal(actor:processes(), { "pause", "web" })
end)

test("a checkpoint that may be held leaves the sandbox running, and a restore of it asks nobody", function(t)
  runsc(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  local snapshot = t:ok(actor:checkpoint { scope = "full", may_hold = true })
  t:equal(actor:processes(), { "pause", "web" })
  t:ok(actor:restore(snapshot))
  t:ok(actor:checkpoint { scope = "full" })
  t:equal(actor:processes(), {})
end)

test("a data checkpoint asks the containers to end, and restore begins anew with their volumes", function(t)
  runsc(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  local snapshot = t:ok(actor:checkpoint { scope = "data" })
  t:ok(actor:restore(snapshot))
  t:equal(actor:processes(), { "pause", "web" })
  t:ok(actor:stop())
  t:equal(actor:processes(), {})
end)

test("a sandbox made ahead is taken by the next actor", function(t)
  runsc(t)
  t:equal(t:ok(t:prepare()), { root = "created" })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:equal(actor:processes(), { "pause", "web" })
end)
