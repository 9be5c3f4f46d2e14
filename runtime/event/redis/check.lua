-- Looks whether a stream still has entries that it had. What may have been lost is noted,
-- and new entries are made to follow behind.
-- KEYS: stream, meta
-- ARGV: the ids of the entries, in order
-- Returns whether the tenant was removed, the last id that retention took, and the
-- holes: pairs of ids, behind the first of which, up to the second, entries were lost.
local stream, meta = KEYS[1], KEYS[2]
local noted = redis.call('HMGET', meta, 'removed', 'lost', 'holes')
if noted[1] then
  return {1, '', ''}
end
local lost, holes = noted[2] or '0-0', noted[3] or ''

-- Ids are compared as text: numbers of Lua don't hold all of them.
local function less(a, b)
  local am, as = string.match(a, '^(%d+)-(%d+)$')
  local bm, bs = string.match(b, '^(%d+)-(%d+)$')
  if am ~= bm then
    return #am < #bm or #am == #bm and am < bm
  end
  return #as < #bs or #as == #bs and as < bs
end

local function gone(entry)
  if not less(lost, entry) or #redis.call('XRANGE', stream, entry, entry) > 0 then
    return false
  end
  for from, to in string.gmatch(holes, '(%S+) (%S+);') do
    if less(from, entry) and not less(to, entry) then
      return false
    end
  end
  return true
end

-- Returns what may have been lost around an entry that was.
local function hole(entry)
  local from = redis.call('XREVRANGE', stream, entry, '-', 'COUNT', 1)
  from = #from > 0 and from[1][1] or lost
  local next = redis.call('XRANGE', stream, '(' .. entry, '+', 'COUNT', 1)
  if #next > 0 then
    -- Up to what came first after the loss.
    local ms, seq = string.match(next[1][1], '^(%d+)-(%d+)$')
    if seq == '0' then
      return from, string.format('%.0f-18446744073709551615', ms - 1)
    end
    return from, #seq < 16 and string.format('%s-%.0f', ms, seq - 1) or entry
  end
  -- Up to now: nothing came since.
  local time = redis.call('TIME')
  local to = string.format('%.0f-18446744073709551615', time[1] * 1000 + math.floor(time[2] / 1000) - 1)
  if less(to, entry) then to = entry end
  if redis.call('EXISTS', stream) == 0 then
    redis.call('XADD', stream, to, 'channel', '', 'payload', '')
    redis.call('XDEL', stream, to)
    return from, to
  end
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' and less(info[i + 1], to) then
      redis.call('XSETID', stream, to)
    end
  end
  return from, to
end

local before = holes
for i = #ARGV, 1, -1 do
  if gone(ARGV[i]) then
    local from, to = hole(ARGV[i])
    holes = holes .. from .. ' ' .. to .. ';'
  end
end
if holes ~= before then
  -- The newest are kept.
  while select(2, string.gsub(holes, ';', ';')) > 16 do
    holes = string.gsub(holes, '^[^;]*;', '')
  end
  redis.call('HSET', meta, 'holes', holes)
end
return {0, lost, holes}
