-- Tests of bwrap: the command line that it makes, and what it refuses. The tool is a list of rules.
local WEB = {
  name = "web", command = { "/bin/server", "--port", "8080" },
  env = { MODE = "fast" }, volumes = { { name = "data", path = "/data" } },
}

-- What it says of itself: the script looks for the flags that it uses.
local HELP = { "--help", stdout = "--as-pid-1 --cap-add --seccomp --unshare-cgroup-try" }

test("run makes a sandbox and takes over the program in it", function(t)
  t:program("bwrap", { HELP, {} })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  t:equal(actor:processes(), { "web", "web_bwrap" })
end)

test("the root, the volumes and no capability are on the command line", function(t)
  t:program("bwrap", {
    HELP,
    { "--as-pid-1", "--bind", "/", "--bind", "/data", "--cap-drop", "ALL", "--", "/bin/server", "--port", "8080" },
  })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
end)

test("stop ends the programs and their sandboxes", function(t)
  t:program("bwrap", { HELP, {} })
  local actor = t:actor { containers = { WEB, { name = "side", command = { "/bin/side" } } } }
  t:ok(actor:run())
  t:ok(actor:stop { grace_ms = 1000 })
  t:equal(actor:processes(), {})
end)

test("a sandbox that cannot be made is what the run answers", function(t)
  t:program("bwrap", { HELP, {} })
  t:fault("process.start", { status = "not_found", reason = "no bwrap there" })
  local actor = t:actor { containers = { WEB } }
  t:fails(actor:run(), "not_found")
end)

test("a restore starts again, with the volumes that the host put back", function(t)
  t:program("bwrap", { HELP, {} })
  local actor = t:actor { containers = { WEB } }
  t:ok(actor:run())
  local snapshot = t:ok(actor:checkpoint { scope = "data" })
  t:ok(actor:restore(snapshot))
  t:equal(actor:processes(), { "web", "web_bwrap" })
end)

test("a bwrap without a flag that is used is refused before anything runs", function(t)
  t:program("bwrap", { { "--help", stdout = "--cap-add --seccomp" } }, { real = false })
  local actor = t:actor { containers = { WEB } }
  t:fails(actor:run(), "unsupported")
end)
