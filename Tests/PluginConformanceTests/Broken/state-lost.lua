-- Its run answers state, which its restore forgets and its stop needs.
local CONFINE = { root = "overlay", seccomp = "default" }

local function start(actor)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name, confine = CONFINE })
  end
  return "ok"
end

local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

local function run(actor)
  start(actor)
  return "ok", { state = { first = actor.containers[1].name } }
end

local function stop_first_first(actor, request)
  try(host.process.stop(actor.processes[actor.state.first], request.grace_ms))
  return stop(actor, request)
end

return {
  name = "state-lost", api = 1,
  isolation = "kernel-shared",
  scopes = { "data" },
  enforces = { "cpu", "memory", "pids" },
  needs = { "workload.start", "process.stop" },
  run = run, stop = stop_first_first,
  checkpoint = stop, restore = start,
}
