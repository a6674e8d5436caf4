-- expect: ok
-- What is denied is a status and not an error.
return {
  name = "attack", api = 1, isolation = "none", tools = { allowed = "required" },
  needs = { "file.write", "http.request" },
  stop = function() return "ok" end,
  run = function(actor)
    local status, why = host.file.write("/etc/passwd", "root")
    assert(status == "access_denied" and type(why) == "string")
    local other = host.http.request { socket = "/run/docker.sock", path = "/" }
    assert(other == "access_denied")
    return "ok"
  end,
}
