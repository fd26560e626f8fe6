"""The ledger's books in Redis.

`workers` is a sorted set of sessions by the time that they end; `held:<session>` is a hash of counts. Whatever belongs
to a session that has ended counts for nothing, so nothing has to be cleaned up after a worker that was killed. Redis'
own clock decides, so the clocks of the machines do not matter.
"""

from collections.abc import Mapping, Sequence

from grok2api.coordination.ledger import Entry
from grok2api.coordination.link import Link, script

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

#: KEYS: workers. ARGV: begin of held keys, worker, session, ttl, then name and count by turns. Returns the living.
_HELLO = script(
    _NOW
    + """
local workers, prefix, worker, session, ttl = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
for _, other in ipairs(redis.call('ZRANGE', workers, 0, -1)) do
  local mine = string.sub(other, 1, #worker + 1) == worker .. '.'
  if (mine and other ~= session) or tonumber(redis.call('ZSCORE', workers, other)) <= now then
    redis.call('ZREM', workers, other)
    redis.call('DEL', prefix .. other)
  end
end
redis.call('ZADD', workers, now + ttl, session)
redis.call('PEXPIRE', workers, ttl * 2)
local held = prefix .. session
redis.call('DEL', held)
for at = 5, #ARGV, 2 do
  redis.call('HSET', held, ARGV[at], ARGV[at + 1])
end
redis.call('PEXPIRE', held, ttl)
return redis.call('ZCARD', workers)
"""
)

#: KEYS: workers. ARGV: begin of held keys, session, then name and cap by turns; a cap of 0 gives. Returns 1 or 0 each.
_ENTER = script(
    _NOW
    + """
local workers, prefix, session = KEYS[1], ARGV[1], ARGV[2]
local living = redis.call('ZRANGE', workers, '(' .. now, '+inf', 'BYSCORE')
local known = false
for at, other in ipairs(living) do
  known = known or other == session
  living[at] = prefix .. other
end
if not known then
  return false
end
local held, results = prefix .. session, {}
for at = 3, #ARGV, 2 do
  local name, cap, result = ARGV[at], tonumber(ARGV[at + 1]), 0
  if cap == 0 then
    if redis.call('HINCRBY', held, name, -1) <= 0 then
      redis.call('HDEL', held, name)
    end
  else
    local count = 0
    for _, other in ipairs(living) do
      count = count + (redis.call('HGET', other, name) or 0)
    end
    if count < cap then
      redis.call('HINCRBY', held, name, 1)
      result = 1
    end
  end
  results[#results + 1] = result
end
redis.call('PEXPIREAT', held, redis.call('ZSCORE', workers, session))
return results
"""
)

#: KEYS: workers, held.
_BYE = script("redis.call('ZREM', KEYS[1], ARGV[1]) redis.call('DEL', KEYS[2]) return 1")


class RedisBooks:
    """See `ledger.Books`."""

    def __init__(self, link: Link, ttl: float) -> None:
        self._link = link
        self._ttl = round(ttl * 1000)
        self._workers = link.key("workers")
        self._prefix = link.key("held", "")

    async def hello(self, worker: str, session: str, held: Mapping[str, int]) -> int:
        counts = [word for pair in held.items() for word in pair]
        return int(await self._link.probe(_HELLO, [self._workers], self._prefix, worker, session, self._ttl, *counts))

    async def enter(self, session: str, entries: Sequence[Entry]) -> Sequence[int] | None:
        words = [word for entry in entries for word in (entry.name, entry.cap if entry.future is not None else 0)]
        results: list[int] | None = await self._link.run(_ENTER, [self._workers], self._prefix, session, *words)
        return results

    async def bye(self, session: str) -> None:
        await self._link.run(_BYE, [self._workers, self._prefix + session], session)
