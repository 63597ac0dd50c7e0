-- The sequence. It begins with the time, so that after it was lost it does not run through the same numbers again.
local function sequence(key)
  local last = get(key)
  if last then return tonumber(last) end
  local first = microseconds()
  redis.call('SET', key, text(first))
  return first
end
