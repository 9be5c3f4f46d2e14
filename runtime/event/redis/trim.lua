-- Removes the oldest entries that are over a tenant's retention, and notes the last.
-- KEYS: stream, meta
-- ARGV: most bytes, most entries, most age in ms, the time in ms in which entries stay,
--       how many may be removed at once
-- Returns whether more may be removed now, whether later, and the ms of the oldest entry.
local stream, meta = KEYS[1], KEYS[2]
local most = tonumber(ARGV[5])
local length = redis.call('EXISTS', stream) == 1 and redis.call('XLEN', stream) or 0
if length == 0 then
  return {0, 0, 0}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local usage = redis.call('MEMORY', 'USAGE', stream, 'SAMPLES', 200)
local bytes = usage - tonumber(ARGV[1])
local entries = length - tonumber(ARGV[2])
local oldest = now - tonumber(ARGV[3])
-- Small excesses are let grow, so that removing takes place by many.
if bytes <= ARGV[1] / 16 then bytes = 0 end
if entries <= ARGV[2] / 16 then entries = 0 end

local step = math.max(1, math.min(256, math.floor(262144 * length / usage)))
local last, kept, removed, later, scale = nil, nil, 0, 0, nil
if bytes > 0 then later = 1 end -- what is removed is an estimate
while not kept and removed < most do
  local list = redis.call('XRANGE', stream, last and '(' .. last or '-', '+', 'COUNT', step)
  if #list == 0 then break end
  if not scale then
    -- What an entry takes beside its texts is seen in the whole.
    local own = 0
    for _, e in ipairs(list) do
      for _, text in ipairs(e[2]) do own = own + #text end
    end
    scale = math.max(1, math.min(2.5, usage / length / (own / #list + 1)))
  end
  for _, e in ipairs(list) do
    local ms = tonumber(string.match(e[1], '^%d+'))
    local over = bytes > 0 or entries > 0 or ms < oldest
    local recent = ms > now - ARGV[4] and ms <= now + ARGV[4]
    if not over or recent then
      kept = e[1]
      if over then later = 1 end
      break
    end
    last = e[1]
    removed = removed + 1
    entries = entries - 1
    for _, text in ipairs(e[2]) do bytes = bytes - scale * #text end
  end
end
local more = 0
if last then
  if not kept then
    local list = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 1)
    if #list > 0 then
      kept = list[1][1]
      more = 1
    end
  end
  redis.call('HSET', meta, 'lost', last)
  redis.call('HDEL', meta, 'removed')
  redis.call('PERSIST', meta)
  if kept then
    redis.call('XTRIM', stream, 'MINID', kept)
  else
    redis.call('XTRIM', stream, 'MAXLEN', 0)
  end
end
return {more, later, kept and tonumber(string.match(kept, '^%d+')) or 0}
