-- A sign of life on the channel. ARGV: channel, message.
publish(ARGV[1], 0, ARGV[2])
