"""Redis or Valkey, where several processes work together."""

import time
from collections.abc import AsyncIterator

from grok2api.config.settings import Settings
from grok2api.coordination.base import Away
from grok2api.coordination.link import Link
from grok2api.doctor.findings import Finding, fail, good

_SUBJECT = "coordination"
_MEND = "start it, mend coordination.url, or empty it and run one process"

#: Sorted sets that are asked by score came with this version.
_OLDEST = (6, 2)


async def coordination(settings: Settings) -> AsyncIterator[Finding]:
    """Whether it can be reached and is new enough; nothing where there is one process."""
    if not settings.coordination.url:
        return
    link = Link(settings.coordination.url, "")
    began = time.perf_counter()
    try:
        told = await link.command("INFO", "server")
    except Away as error:
        yield fail(_SUBJECT, str(error), _MEND)
    else:
        yield _judged(link.address, str(told.get("redis_version", "")), time.perf_counter() - began)
    finally:
        await link.close()


def _judged(address: str, version: str, seconds: float) -> Finding:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        oldest = ".".join(str(number) for number in _OLDEST)
        return fail(_SUBJECT, f"{address} has version {version or 'unknown'}", f"{oldest} is the oldest that will do")
    return good(_SUBJECT, f"{address} answers in {1000 * seconds:.0f} ms")
