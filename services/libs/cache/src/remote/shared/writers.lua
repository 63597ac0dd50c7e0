-- The writes that were announced and have not ended, by token. An announcement that was never ended counts until its time is over.
local function writers(key)
  local now = microseconds() / 1000
  local open, count = {}, 0
  local all = redis.pcall('HGETALL', key)
  if all.err then redis.call('DEL', key) all = {} end
  for i = 1, #all, 2 do
    local ends = tonumber(string.match(all[i + 1], '^%d+'))
    if ends and ends > now then
      open[all[i]] = all[i + 1]
      count = count + 1
    else
      redis.call('HDEL', key, all[i])
    end
  end
  return open, count
end
