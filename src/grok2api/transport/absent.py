"""WebSockets that are not there: what an adapter is given while the settings choose a transport without them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from grok2api.transport.egress import TransportOptions
from grok2api.transport.reasons import unreachable
from grok2api.upstreams.base import Socket


class NoSockets:
    """Refuses to open anything, and says what to do."""

    def __init__(self, options: Callable[[], TransportOptions]) -> None:
        self._options = options

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to close."""

    def open(self, url: str, headers: Mapping[str, str], account: str = "") -> AbstractAsyncContextManager[Socket]:
        """Raises `TransportError`."""
        raise unreachable("upstream.web.transport became ws at this moment; the next call uses it", "absent")
