-- Ends a write whose new value is known.
-- KEYS: sequence, writers, entries and leases of this schema and its neighbours, ours in the middle (KEYS[4] is our entry).
-- ARGV: prefix of tags, token, stamp, fresh ms, stale ms, value, channel, elapsed us, message, tags...
local open, count = writers(KEYS[2])
local mine = open[ARGV[2]]
redis.call('HDEL', KEYS[2], ARGV[2])
-- If our announcement was lost, a write that began later believes that it is alone.
for token, value in pairs(open) do
  if token ~= ARGV[2] then redis.call('HSET', KEYS[2], token, string.match(value, '^%d+') .. ' shared') end
end
redis.call('DEL', unpack(KEYS, 3, 8))
local outcome = 'dropped'
if mine and count == 1 and string.find(mine, 'alone', 1, true) then
  local keep = ARGV[4] + ARGV[5]
  local names = {'*'}
  for i = 10, #ARGV do names[#names + 1] = ARGV[i] end
  local line = markers(ARGV[1], names, 1, tonumber(ARGV[3]), sequence(KEYS[1]), keep)
  if line then
    redis.call('SET', KEYS[4], ARGV[4] .. ' ' .. ARGV[5] .. ' v' .. line .. '\n' .. ARGV[6], 'PX', text(keep))
    outcome = 'stored'
  end
end
publish(ARGV[7], ARGV[8], ARGV[9])
return outcome
