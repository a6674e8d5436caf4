-- chroot: every container is a program in a root of its own, and nothing else is its own.
-- A lesson, not a wall: root leaves a chroot at will. It shows how a command-line tool becomes a backend.

local function start(actor)
  for _, container in ipairs(actor.containers) do
    if #container.volumes > 0 then
      return "unsupported", container.name .. " has volumes: chroot mounts nothing"
    end
    local user = container.user
    try(host.process.start {
      program = actor.tools.chroot,
      args = { "--userspec=" .. user.uid .. ":" .. user.gid, container.root, container.command },
      env = container.env,
      log = container.name,
      name = container.name, keep = true,
    })
  end
  return "ok"
end

return {
  name = "chroot", api = 1,
  summary = "A root directory of its own and no more: for learning.",
  isolation = "none",
  tools = { chroot = "required" },
  needs = { "process.start", "process.stop" },

  run = start,

  -- chroot becomes the container's program: TERM reaches it.
  stop = function(actor, request)
    return host.process.stop(actor.processes, request.grace_ms)
  end,
}
