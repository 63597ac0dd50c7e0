-- Ends a write that changed nothing. KEYS: writers of each key. ARGV: token.
for i = 1, #KEYS do redis.pcall('HDEL', KEYS[i], ARGV[1]) end
