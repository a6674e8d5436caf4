-- expect: trap api.load
-- The load-time trap is swallowed and a good table is returned.
pcall(function() return host.clock.left() end)
return { name = "attack", api = 1, isolation = "none", stop = function() return "ok" end, run = function() return "ok" end }
