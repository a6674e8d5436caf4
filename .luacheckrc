-- generated from the table of host functions: `make types` rewrites it, a test compares
std = "none"
max_line_length = 120

read_globals = {
  host = { fields = {
    workload = { fields = { "start", "enter" } },
    process = { fields = { "run", "start", "wait", "stop", "adopt" } },
    bundle = { fields = { "write" } },
    file = { fields = { "write" } },
    http = { fields = { "request" } },
    asset = { fields = { "open", "read", "close", "load", "state", "commit", "cancel" } },
    clock = { fields = { "left", "sleep" } },
  } },
  string = { fields = {
    "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize",
    "rep", "reverse", "sub", "unpack", "upper",
  } },
  table = { fields = {
    "concat", "insert", "move", "pack", "remove", "sort", "unpack",
  } },
  math = { fields = {
    "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log",
    "max", "maxinteger", "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan",
    "tointeger", "type", "ult",
  } },
  utf8 = { fields = {
    "char", "charpattern", "codepoint", "codes", "len", "offset",
  } },
  json = { fields = {
    "decode", "encode", "null", "object",
  } },
    "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print", "rawequal",
    "rawget", "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring", "try", "type",
    "xpcall", "require", "_VERSION", "_G",
}

files["**/*_test.lua"] = { read_globals = { "test" } }
-- What describes names defines them, in functions without a body: it is parsed.
files["**/sdk/types/*.lua"] = { ignore = { "1", "2", "6" } }
exclude_files = { ".build", "Tests" }
