-- expect: trap load.shape
-- A required verb is missing.
return { name = "attack", api = 1, isolation = "none", stop = function() return "ok" end, }
