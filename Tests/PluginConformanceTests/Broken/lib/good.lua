-- What a broken backend does right. Each script beside this directory has what it does wrong, and no more.
local good = { confine = { root = "overlay", seccomp = "default" } }

function good.start(actor)
  for _, container in ipairs(actor.containers) do
    try(host.workload.start { container = container.name, confine = good.confine })
  end
  return "ok"
end

function good.stop(actor, request)
  return host.process.stop(actor.processes, request.grace_ms)
end

local function with(own, fields)
  for field, value in pairs(own) do fields[field] = value end
  return fields
end

-- A backend that starts and stops, but for what is its `own`.
function good.backend(own)
  return with(own, {
    api = 1, isolation = "kernel-shared",
    needs = { "workload.start", "process.stop" },
    run = good.start, stop = good.stop,
  })
end

-- One that keeps volumes, too.
function good.saving(own)
  return good.backend(with(own, {
    scopes = { "data" }, enforces = { "cpu", "memory", "pids" },
    checkpoint = good.stop, restore = good.start,
  }))
end

return good
