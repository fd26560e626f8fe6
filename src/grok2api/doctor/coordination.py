"""Redis, where several processes go by it: does it answer, and in time? Only asks."""

import time

from grok2api.coordination.base import Away
from grok2api.coordination.link import Link
from grok2api.doctor.findings import Finding, fail, good, warn

SUBJECT = "coordination"
#: It is asked before an account is leased: an answer that takes longer is felt in every request.
_SLOW_SEC = 0.02


async def coordination(url: str) -> Finding:
    """How the Redis of `coordination.url` answers."""
    link = Link(url, "")
    try:
        await link.command("PING")
        began = time.perf_counter()
        await link.command("PING")
        took = time.perf_counter() - began
    except Away as error:
        return fail(SUBJECT, str(error), "start Redis, mend coordination.url, or empty it to run one process without")
    finally:
        await link.close()
    seen = f"{link.address} answers in {1000 * took:.1f} ms"
    if took > _SLOW_SEC:
        return warn(SUBJECT, seen, "put Redis nearer to the gateway: every lease asks it")
    return good(SUBJECT, seen)
