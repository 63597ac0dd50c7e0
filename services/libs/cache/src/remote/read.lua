-- KEYS: entry. ARGV: prefix of tags. Answers the entry and its age, or nothing.
local value, age = entry(KEYS[1], ARGV[1])
if not value then return false end
return {value, text(age)}
