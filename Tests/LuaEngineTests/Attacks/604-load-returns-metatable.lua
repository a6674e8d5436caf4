-- expect: trap load.shape
-- The returned table has a metatable.
return setmetatable({ name = "attack", api = 1, isolation = "none", stop = function() return "ok" end, run = function() return "ok" end }, { __index = function() return print end })
