-- expect: trap api.load
-- A host function called while the file loads.
host.clock.left()
return { name = "attack", api = 1, isolation = "none", stop = function() return "ok" end, run = function() return "ok" end }
