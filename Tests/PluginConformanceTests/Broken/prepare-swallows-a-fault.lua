-- Prepare calls a slot warm whose keeper never started.
local function start(actor)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name })
  end
  return "ok"
end

local function stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

return {
  name = "prepare-swallows-a-fault", api = 1,
  isolation = "kernel-shared",
  tools = { sh = "required" },
  needs = { "workload.start", "process.stop", "process.start" },
  run = start, stop = stop,

  prepare = function(slot)
    host.process.start {
      program = slot.tools.sh, args = { "-c", "exec sleep 600" }, name = "keeper", keep = true,
    }
    return "ok", { prepared = { warm = true } }
  end,
}
