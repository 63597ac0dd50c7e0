-- Gives a lease back that nothing came of. KEYS: lease. ARGV: token.
if get(KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
