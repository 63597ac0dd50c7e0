-- Announces a write. From here to its end no load is allowed, and what loads have begun before is refused.
-- KEYS: sequence, then for each key: writers, and the entries and leases of this schema and its neighbours (7 in all).
-- ARGV: token, ms until an announcement that is never ended is forgotten.
local ends = microseconds() / 1000 + ARGV[2]
for first = 2, #KEYS, 7 do
  local open, count = writers(KEYS[first])
  -- Writes that overlap may end in another order than they commit, so none of them may put its value there.
  for token, value in pairs(open) do
    redis.call('HSET', KEYS[first], token, string.match(value, '^%d+') .. ' shared')
  end
  redis.call('HSET', KEYS[first], ARGV[1], text(ends) .. (count == 0 and ' alone' or ' shared'))
  redis.call('PEXPIRE', KEYS[first], text(2 * ARGV[2]))
  redis.call('DEL', unpack(KEYS, first + 1, first + 6))
end
return text(sequence(KEYS[1]))
