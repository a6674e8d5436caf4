-- expect: trap load.shape
-- Verbs under keys that are no names.
return { [1] = print, name = "attack", api = 1, isolation = "none", stop = function() return "ok" end, run = function() return "ok" end }
