-- An entry is one line of text, "<fresh ms> <stale ms> <v|n> <marker of all> <tag>=<marker> ...", and then the value's JSON (v), or
-- nothing (n: it is known that there is nothing under the key). It expires after fresh + stale.
--
-- A marker is the number of a tag's last invalidation, taken from one sequence for each cache. An entry holds only while each of its
-- markers is there and the same: a marker that was evicted or flushed voids its entries.

-- The entry with its age in ms and the ms that it was to be fresh for, or nil if there is none that holds. (What has another type than a
-- string, MGET does not find.)
local function entry(key, tags)
  local found = redis.call('MGET', key, tags .. '*')
  local value = found[1]
  if not value then return nil end
  local fresh, stale, kind, all, rest = string.match(value, '^(%d+) (%d+) ([vn]) (%d+)([^\n]*)\n')
  if not fresh or found[2] ~= all then return nil end
  if rest ~= '' then
    local names, markers = {}, {}
    for tag, marker in string.gmatch(rest, ' ([^ =]+)=(%d+)') do
      names[#names + 1] = tags .. tag
      markers[#markers + 1] = marker
    end
    for i, marker in ipairs(redis.call('MGET', unpack(names))) do
      if marker ~= markers[i] then return nil end
    end
  end
  local age = fresh + stale - redis.call('PTTL', key)
  return value, math.max(age, 0), tonumber(fresh), kind
end
