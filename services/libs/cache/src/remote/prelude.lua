-- What the scripts share. Every script is one step: Redis runs nothing else meanwhile.
--
-- An entry is one line of text, "<fresh ms> <stale ms> <v|n> <marker of all> <tag>=<marker> ...", and then the value's JSON (v), or
-- nothing (n: it is known that there is nothing under the key). It expires after fresh + stale.
--
-- A marker is the number of a tag's last invalidation, taken from one sequence for each cache. An entry holds only while each of its
-- markers is there and the same: a marker that was evicted or flushed voids its entries.

local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function text(number) return string.format('%.0f', number) end

-- A string that something else was put in place of is as good as none.
local function get(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then return value end
  return nil
end

-- The sequence. It begins with the time, so that after it was lost it does not run through the same numbers again.
local function sequence(key)
  local last = get(key)
  if last then return tonumber(last) end
  local first = microseconds()
  redis.call('SET', key, text(first))
  return first
end

-- The entry with its age in ms and the ms that it was to be fresh for, or nil if there is none that holds.
local function entry(key, tags)
  local value = get(key)
  if not value then return nil end
  local fresh, stale, kind, all, rest = string.match(value, '^(%d+) (%d+) ([vn]) (%d+)([^\n]*)\n')
  if not fresh or get(tags .. '*') ~= all then return nil end
  for tag, marker in string.gmatch(rest, ' ([^ =]+)=(%d+)') do
    if get(tags .. tag) ~= marker then return nil end
  end
  local age = fresh + stale - redis.call('PTTL', key)
  return value, math.max(age, 0), tonumber(fresh), kind
end

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

-- The markers of these tags as they stand in an entry, or nil if one of them may have moved since the stamp. `last` is the sequence.
local function markers(tags, names, from, stamp, last, keep)
  local line = ''
  for i = from, #names do
    local name = names[i]
    local marker = get(tags .. name)
    if marker then
      if tonumber(marker) > stamp then return nil end
      if name ~= '*' and redis.call('PTTL', tags .. name) < keep then redis.call('PEXPIRE', tags .. name, text(keep + 60000)) end
    else
      -- Nobody knows whether it has moved, unless nothing has.
      if last ~= stamp then return nil end
      marker = text(stamp)
      if name == '*' then redis.call('SET', tags .. name, marker)
      else redis.call('SET', tags .. name, marker, 'PX', text(keep + 60000)) end
    end
    line = line .. (name == '*' and ' ' .. marker or ' ' .. name .. '=' .. marker)
  end
  return line
end

-- Tells all pods, with Redis' time of the change.
local function publish(channel, elapsed, message)
  redis.call('PUBLISH', channel, text(microseconds() - elapsed) .. ' ' .. message)
end
