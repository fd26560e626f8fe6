"""`GET verify`: whether a key is the admin key."""

import msgspec

from grok2api.admin.parts import Parts
from grok2api.admin.route import Call


class Verified(msgspec.Struct, frozen=True):
    """It is."""

    status: str = "success"


async def verify(parts: Parts, call: Call[None, None]) -> Verified:
    """Changes nothing and costs nothing."""
    return Verified()
