-- Accepts a batch in which events have ids, all or none.
-- KEYS: stream, ids, older ids, the wake stream
-- ARGV: the window of ids in ms, how many ids to remember, the tenant to wake or '';
--       then for each event: channel, id, digest of the payload, payload
-- Returns the number of the event that conflicts, or the id of the last event's entry and,
-- behind a space, that of the last entry that was added, if any was.
-- An id is remembered as the digest, 16 bytes, and the id of the stream's entry.
local stream, ids, older = KEYS[1], KEYS[2], KEYS[3]
local window, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local n = (#ARGV - 3) / 4
local part = 1000 -- as many as a call is given: the stack of Lua is bounded

local names, wanted = {}, {}
for i = 1, n do
  local a = 4 * i
  if ARGV[a + 1] ~= '' then
    names[i] = ARGV[a] .. ' ' .. ARGV[a + 1]
    wanted[#wanted + 1] = names[i]
  end
end
local known = {}
for _, key in ipairs({older, ids}) do
  for from = 1, #wanted, part do
    local to = math.min(from + part - 1, #wanted)
    for j, v in ipairs(redis.call('HMGET', key, unpack(wanted, from, to))) do
      if v and now - tonumber(string.match(v, '^%d+', 17)) < window then
        known[wanted[from + j - 1]] = v
      end
    end
  end
end

local at, first = {}, {}
for i = 1, n do
  local name, digest = names[i], ARGV[4 * i + 2]
  if name then
    local v = known[name]
    if v then
      if string.sub(v, 1, 16) ~= digest then
        return i
      end
      at[i] = string.sub(v, 17)
    elseif first[name] then
      if ARGV[4 * first[name] + 2] ~= digest then
        return i
      end
    else
      first[name] = i
    end
  end
end

local added, newest = {}, ''
for i = 1, n do
  local a, name = 4 * i, names[i]
  if not name then
    at[i] = redis.call('XADD', stream, '*', 'channel', ARGV[a], 'payload', ARGV[a + 3])
    newest = at[i]
  elseif not at[i] then
    if first[name] == i then
      at[i] = redis.call('XADD', stream, '*', 'channel', ARGV[a], 'payload', ARGV[a + 3], 'id', ARGV[a + 1])
      newest = at[i]
      added[#added + 1] = name
      added[#added + 1] = ARGV[a + 2] .. at[i]
    else
      at[i] = at[first[name]]
    end
  end
end

if #added > 0 then
  local since = redis.call('HGET', ids, '')
  if since and (now - since >= window or redis.call('HLEN', ids) > most) then
    redis.call('UNLINK', older)
    redis.call('RENAME', ids, older)
    since = false
  end
  if not since then
    redis.call('HSET', ids, '', now)
    redis.call('PEXPIRE', ids, 2 * window)
  end
  for from = 1, #added, 2 * part do
    redis.call('HSET', ids, unpack(added, from, math.min(from + 2 * part - 1, #added)))
  end
  redis.call('PEXPIRE', ids, 2 * window, 'GT')
end
if ARGV[3] ~= '' then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', 1000, '*', 't', ARGV[3])
end
return at[n] .. ' ' .. newest
