-- Asks for the right to load, or for what others have loaded meanwhile.
-- KEYS: entry, lease, writers, sequence. ARGV: prefix of tags, token, lease ms, oldest value that will do, oldest nothing that will do,
-- share of its own lifetime that an entry may have behind it.
local value, age, fresh, kind = entry(KEYS[1], ARGV[1])
if value and age < math.min(fresh, tonumber(kind == 'v' and ARGV[4] or ARGV[5])) * ARGV[6] then return {'hit', value, text(age)} end
local _, open = writers(KEYS[3])
if open > 0 then return {'writing'} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'held'} end
local stamp = sequence(KEYS[4])
if not get(ARGV[1] .. '*') then redis.call('SET', ARGV[1] .. '*', text(stamp)) end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {'granted', text(stamp)}
