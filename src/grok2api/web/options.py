"""What the HTTP face is told by the operator, and what its routes share."""

import asyncio

import msgspec

#: In an answer, the model that served; in a request, the one that shall, whatever the body names.
MODEL_HEADER = "x-grok2api-model"


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. hold: T of S6; keepalive: S5; write: W of S14."""

    hold: float = 10.0
    keepalive: float = 15.0
    write: float = 30.0


class WebOptions(msgspec.Struct, frozen=True, kw_only=True):
    """keys: empty means open mode. max_body: bytes, also after decompression. app_url: the base of links, if given.

    cors_origins: origins whose pages may read answers; `*` means all, empty none.
    """

    keys: tuple[str, ...] = ()
    max_body: int = 64 * 1024 * 1024
    stream_by_default: bool = True
    app_url: str = ""
    cors_origins: tuple[str, ...] = ()
    timing: Timing = Timing()


class State:
    """Whether the server drains, and how many answers are under way."""

    def __init__(self) -> None:
        self.draining = False
        self.active = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self) -> None:
        self.active += 1
        self._idle.clear()

    def leave(self) -> None:
        self.active -= 1
        if not self.active:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no answer is under way."""
        await self._idle.wait()
