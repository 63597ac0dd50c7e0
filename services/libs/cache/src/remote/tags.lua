-- Invalidates tags. KEYS: sequence, then the markers. ARGV: channel, elapsed us, message.
-- A marker that is not there needs none: no entry holds by it, and a load that runs sees that the sequence has moved.
local number = text(sequence(KEYS[1]) + 1)
redis.call('SET', KEYS[1], number)
for i = 2, #KEYS do redis.call('SET', KEYS[i], number, 'XX', 'KEEPTTL') end
publish(ARGV[1], ARGV[2], ARGV[3])
