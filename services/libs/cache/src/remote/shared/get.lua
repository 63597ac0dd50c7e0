-- A string that something else was put in place of is as good as none.
local function get(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return value end
  return nil
end
