"""What the endpoints work with: the parts of the running gateway, each as a protocol of just what is asked of it.

The composition root hands in the real ones.
"""

from collections.abc import Callable

import msgspec

from grok2api.admin.tasks import Tasks
from grok2api.config.configured import Configured


class Parts(msgspec.Struct, kw_only=True):
    """The parts. `now` tells epoch seconds; `document` makes the OpenAPI document."""

    configured: Configured
    tasks: Tasks
    now: Callable[[], float]
    version: str
    started_at: float
    document: Callable[[], bytes]

    def __repr__(self) -> str:
        return "Parts(…)"
