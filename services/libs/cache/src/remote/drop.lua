-- Ends a write by dropping the entries. With an empty token nothing was announced (an invalidation), or the outcome is unknown and the
-- announcement stays until its time is over; announced writes may not put then.
-- KEYS: for each key: writers, and the entries and leases of this schema and its neighbours (7 in all).
-- ARGV: token, channel, elapsed us, message.
for first = 1, #KEYS, 7 do
  local open = writers(KEYS[first])
  if ARGV[1] ~= '' then redis.call('HDEL', KEYS[first], ARGV[1]) end
  for token, value in pairs(open) do
    if token ~= ARGV[1] then redis.call('HSET', KEYS[first], token, string.match(value, '^%d+') .. ' shared') end
  end
  redis.call('DEL', unpack(KEYS, first + 1, first + 6))
end
publish(ARGV[2], ARGV[3], ARGV[4])
