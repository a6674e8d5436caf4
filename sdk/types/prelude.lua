---@meta
-- generated from the table of host functions: `make types` rewrites it, a test compares

---Passes the values of a host call on, or ends the verb with its status and reason where it is not "ok".
---```lua
---local process = try(host.process.start { program = actor.tools.bwrap, args = { "--version" } })
---```
---@generic T
---@param status Status
---@param value? T|string
---@return T value
function try(status, value, ...) end

json = {}

---`null` in a list; in an object a null is an absent field.
json.null = nil ---@type userdata

---Text of a value: tables with 1…n are lists, `{}` is `[]`.
---@param value any
---@return string
function json.encode(value) end

---Value of a text, status first: `try(json.decode(answer.body))`.
---@param text string
---@return Status status, any value_or_reason
function json.decode(text) end

---The same table, encoded as an object even when it is empty.
---@param value table
---@return table
function json.object(value) end
