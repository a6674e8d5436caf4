/// What Lua itself offers to a script: the sandbox's allow-list as data.
public enum LuaSurface {
    /// Functions.
    public static let functions = [
        "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawlen",
        "rawset", "select", "setmetatable", "tonumber", "tostring", "try", "type", "xpcall",
    ]
    /// Libraries and what is in them.
    public static let libraries: KeyValuePairs<String, [String]> = [
        "string": [
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep",
            "reverse", "sub", "unpack", "upper",
        ],
        "table": ["concat", "insert", "move", "pack", "remove", "sort", "unpack"],
        "math": [
            "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
            "maxinteger", "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan", "tointeger", "type", "ult",
        ],
        "utf8": ["char", "charpattern", "codepoint", "codes", "len", "offset"],
        "json": ["decode", "encode", "null", "object"],
    ]
    /// What scripts of other programs use and this sandbox does not have, and what to do instead.
    public static let absent: KeyValuePairs<String, String> = [
        "io": "files are written with host.file.write, and programs run with host.process.run",
        "os": "the time left is host.clock.left(); programs run with host.process.run",
        "debug": "every error already carries its line and trace",
        "coroutine": "host calls wait by themselves; two programs at once are process.start and process.wait",
        "load": "a backend is one file of text", "loadfile": "a backend is one file of text",
        "dofile": "a backend is one file of text", "package": "a backend is one file of text",
        "collectgarbage": "memory is the host's: 32 MiB in one verb",
    ]
}
