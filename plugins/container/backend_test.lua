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

-- A runtime and a criu that go together, and what the latter may say of itself.
local function saves(t, check)
  t:program("runc", {
    { "--version", stdout = "runc version 1.1.5" }, { "checkpoint", "--image-path", "web" },
    { "restore", "--bundle", "--image-path", "web" }, { "delete", "--force" }, RUN,
  }, { real = false })
  t:program("criu", { check or { "check", stdout = "Looks good." } }, { real = false })
end

local BAD = { "check", code = 1, stderr = "Error (criu/vdso.c:1): vdso: unexpected\nWarn: does not look good\n" }

-- Why memory cannot be kept, nil where it can.
local function lacks(t) return t:ok(t:probe()).without.full end

test("without criu the probe says how to grant one", function(t)
  t:program("runc", { RUN })
  t:equal(lacks(t), 'grant a tool named "criu": --grant tool:criu=/usr/local/sbin/criu')
end)

test("without criu full scope is refused before anything happens", function(t)
  t:program("runc", { RUN })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:fails(actor:checkpoint { scope = "full" }, "unsupported")
  t:calls { "bundle.write web", "process.start web: actor.tools.runc" }
  t:equal(actor:processes(), { "web" })
end)

test("a criu that fails its own check is quoted, and full scope refused", function(t)
  saves(t, BAD)
  t:equal(lacks(t), "criu check: Error (criu/vdso.c:1): vdso: unexpected")
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:fails(actor:checkpoint { scope = "full" }, "unsupported")
  t:equal(actor:processes(), { "web" })
end)

test("memory is not kept with a user namespace", function(t)
  saves(t)
  t:equal(lacks(t), nil)
  t:config { user_namespace = true }
  t:equal(lacks(t), "user_namespace is on: memory is kept without one alone")
end)

test("a crun says itself whether it was built with criu", function(t)
  t:program("crun", { { "--version", stdout = "crun version 1.8.1\n+SECCOMP +EBPF" } }, { real = false })
  t:program("criu", { { "check" } }, { real = false })
  t:equal(lacks(t), "this crun has no criu: grant runc")
end)

test("a crun with criu keeps memory", function(t)
  t:program("crun", { { "--version", stdout = "crun version 1.15\n+SECCOMP +CRIU" } }, { real = false })
  t:program("criu", { { "check" } }, { real = false })
  t:equal(lacks(t), nil)
end)

test("a full checkpoint ends the container, and restore stays in front of it", function(t)
  saves(t)
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  local snapshot = t:ok(actor:checkpoint { scope = "full" })
  t:equal(actor:processes(), {})
  t:ok(actor:restore(snapshot))
  t:equal(actor:processes(), { "web" })
end)

test("what cannot be saved runs on", function(t)
  saves(t)
  t:fault("process.run", { at = 3, status = "failed", reason = "runc exited 1" })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:fails(actor:checkpoint { scope = "full" }, "failed")
  t:equal(actor:processes(), { "web" })
end)

test("memory is kept of an actor with one container alone", function(t)
  saves(t)
  local actor = t:actor { containers = { WEB, { name = "side", command = { "/bin/side" } } } }
  t:ok(actor:run())
  t:fails(actor:checkpoint { scope = "full" }, "unsupported")
  t:equal(actor:processes(), { "side", "web" })
end)
