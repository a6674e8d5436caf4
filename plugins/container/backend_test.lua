-- Tests of the container backend: what it asks of a runtime, with rules in the runtime's place.
local WEB = { name = "web", command = { "/bin/server" }, volumes = { { name = "data", path = "/data" } } }

local RUN = { "--root", "run", "--bundle" }

test("run writes a bundle for each container and starts the runtime in front of it", function(t)
  t:program("runc", { RUN })
  local actor = t:actor { containers = { WEB, { name = "side", command = { "/bin/side" } } } }
  t:ok(actor:run())
  t:calls {
    "bundle.write web", "process.start web: actor.tools.runc",
    "bundle.write side", "process.start side: actor.tools.runc",
  }
  t:equal(actor:processes(), { "side", "web" })
end)

test("without a runtime the actor is refused, with how to grant one", function(t)
  local actor = t:actor { containers = { WEB } }
  t:fails(actor:run(), "unsupported")
  t:calls {}
end)

test("a user namespace is for each container alike, where the operator's config says so", function(t)
  t:program("runc", { RUN })
  t:config { user_namespace = true }
  local actor = t:actor { containers = { WEB, { name = "side", command = { "/bin/side" } } } }
  t:ok(actor:run())
  t:equal(actor:processes(), { "side", "web" })
end)

test("a runtime that cannot enter a user namespace is not asked to", function(t)
  t:program("runc", { RUN, { "--version", stdout = "runc version 1.1.5+ds1\n" } }, { real = false })
  t:config { user_namespace = true }
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:fails(actor:exec { command = { "/bin/true" } }, "unsupported")
end)

test("stop ends the containers and lets the runtime forget them", function(t)
  t:program("runc", { { "delete", code = 1 }, RUN })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:ok(actor:stop { grace_ms = 1000 })
  t:equal(actor:processes(), {})
end)

test("another runtime has other flags", function(t)
  t:program("crun", { { "--cgroup-manager", "disabled", "run" } })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:equal(actor:processes(), { "web" })
end)

-- What it takes to keep memory, and one that is fine.
local SAVING = { "--root", "run", "checkpoint", "--image-path" }
local WAKING = { "--root", "run", "restore", "--bundle" }
local FINE = { { "check", stdout = "Looks good.\n" } }

test("memory is not to be had, and why is told", function(t)
  t:program("runc", { { "--version" }, RUN }, { real = false })
  t:like(t:ok(t:probe()).without.full, "--grant tool:criu=")
  t:program("criu", { { "check", code = 1, stderr = "Error (criu/vdso.c:1): vdso: unexpected\nWarn: not good\n" } })
  t:equal(t:ok(t:probe()).without.full, "criu check: Error (criu/vdso.c:1): vdso: unexpected")
  t:program("criu", FINE)
  t:equal(t:ok(t:probe()).without, {})
  t:config { user_namespace = true }
  t:like(t:ok(t:probe()).without.full, "user_namespace")
end)
