"""How an answer goes out, as values: write this, wait so long, break the connection.

Pure. A delivery is a list of steps; a fault reshapes that list (`reshape.py`), and the shell
(`sending.py`) carries it out over HTTP or a WebSocket without knowing any fault.
"""

from collections.abc import Mapping

import msgspec

from grok2api.simulator.rejections import Rejection
from grok2api.simulator.render import Frame, FrameKind


class Head(msgspec.Struct, frozen=True):
    """Send the status line and headers. Steps before it delay them."""


class Write(msgspec.Struct, frozen=True, gc=False):
    """Send these bytes at once (one message, on a WebSocket)."""

    data: bytes
    kind: FrameKind = "meta"


class Wait(msgspec.Struct, frozen=True):
    """Send nothing for so long."""

    seconds: float


class Break(msgspec.Struct, frozen=True):
    """End the connection without ending the body; `reset` sends RST instead of FIN."""

    reset: bool = False


class Bye(msgspec.Struct, frozen=True):
    """Close a WebSocket in good order."""


Step = Head | Write | Wait | Break | Bye


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on its way. After the last step the body ends properly, unless that step is `Break` or `Bye`."""

    status: int = 200
    headers: Mapping[str, str] = {}
    steps: tuple[Step, ...] = (Head(),)

    @property
    def is_plain(self) -> bool:
        """Nothing but the head and writes: it may go out in one piece."""
        return all(isinstance(step, Head | Write) for step in self.steps)

    @property
    def body(self) -> bytes:
        """Everything that is written."""
        return b"".join(step.data for step in self.steps if isinstance(step, Write))


def stream(frames: list[Frame], media: str) -> Delivery:
    """A 200 that writes frame after frame."""
    writes = tuple(Write(frame.data, frame.kind) for frame in frames)
    return Delivery(headers={"Content-Type": media}, steps=(Head(), *writes))


def plain(body: bytes, media: str = "application/json", status: int = 200, headers: Mapping[str, str] = {}) -> Delivery:
    """A short answer in one piece."""
    return Delivery(status=status, headers={"Content-Type": media, **headers}, steps=(Head(), Write(body)))


def rejected(rejection: Rejection, *, on_console: bool = False, retry_after: float | None = None) -> Delivery:
    """The answer that a rejection stands for."""
    body = rejection.console if on_console and rejection.console is not None else rejection.body
    extra = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return plain(body, rejection.media, rejection.status, {**rejection.headers, **extra})
