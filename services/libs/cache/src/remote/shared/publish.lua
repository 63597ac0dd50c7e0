-- Tells all pods, with Redis' time of the change.
local function publish(channel, elapsed, message)
  redis.call('PUBLISH', channel, text(microseconds() - elapsed) .. ' ' .. message)
end
