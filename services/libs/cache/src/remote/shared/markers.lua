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
