-- Stores what was loaded under a lease.
-- KEYS: entry, lease, sequence. ARGV: prefix of tags, token, stamp, fresh ms, stale ms, v or n, value, tags...
if get(KEYS[2]) ~= ARGV[2] then return 'late' end
redis.call('DEL', KEYS[2])
local stamp, keep = tonumber(ARGV[3]), ARGV[4] + ARGV[5]
local names = {'*'}
for i = 8, #ARGV do names[#names + 1] = ARGV[i] end
local line = markers(ARGV[1], names, 1, stamp, sequence(KEYS[3]), keep)
if not line then return 'overtaken' end
redis.call('SET', KEYS[1], ARGV[4] .. ' ' .. ARGV[5] .. ' ' .. ARGV[6] .. line .. '\n' .. ARGV[7], 'PX', text(keep))
return 'stored'
