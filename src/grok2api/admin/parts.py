"""What the endpoints work with: the parts of the running gateway, each as a protocol of just what is asked of it.

The composition root hands in the real ones.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from grok2api.admin.tasks import Tasks
from grok2api.config.configured import Configured


class Spread(Protocol):
    """How far a change came: of the `others`, how many put it in force, and what those said who refused."""

    @property
    def others(self) -> int: ...

    @property
    def done(self) -> int: ...

    @property
    def refused(self) -> tuple[str, ...]: ...


class Workers(msgspec.Struct, frozen=True):
    """How far a change came: of the `others`, those that put it in force too, and what they said who did not."""

    others: int = 0
    done: int = 0
    refused: tuple[str, ...] = ()


async def _nobody(_: Mapping[str, Any]) -> Spread:
    return Workers()


class Parts(msgspec.Struct, kw_only=True):
    """The parts. `now` tells epoch seconds; `document` makes the OpenAPI document; `spread` has settings that changed
    here change in every other worker."""

    configured: Configured
    tasks: Tasks
    now: Callable[[], float]
    version: str
    started_at: float
    document: Callable[[], bytes]
    spread: Callable[[Mapping[str, Any]], Awaitable[Spread]] = _nobody

    def __repr__(self) -> str:
        return "Parts(…)"
