"""Background answers over HTTP: begun by `POST /v1/responses`, listened to again, given up.

Who leaves an answer that is made in the background leaves only his own stream. A stream that is taken up again has the
frames that were sent before, byte by byte, from the number that the client names.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

import msgspec
import structlog
from starlette.responses import Response

from grok2api.canonical.problem import Kind, Problem, Refusal, invalid
from grok2api.canonical.request import Request
from grok2api.canonical.stored import Stored
from grok2api.dialects.base import Envelope, Settled
from grok2api.dialects.sse import COMMENT
from grok2api.gateway.background import Background
from grok2api.gateway.background_run import Run, Writer
from grok2api.gateway.exchange import Exchange
from grok2api.gateway.recalling import Note, Recall
from grok2api.gateway.recording import Missing
from grok2api.gateway.shelf import Kept
from grok2api.media.budget import Share
from grok2api.storage.errors import StoreError
from grok2api.web.asgi import Receive, Scope, Send
from grok2api.web.journal import Entry, Journal
from grok2api.web.options import State, Timing
from grok2api.web.problems import STORE_AWAY
from grok2api.web.stream import Line, only_left

_NOT_RECORDED = (
    "The stream of the response {ident!r} cannot be taken up: it was not made in the background, or that was too long "
    "ago. Leave stream out to get the response itself"
)
_NOT_BACKGROUND = "The response {ident!r} was not made in the background, and only such responses can be cancelled"

_log = structlog.stdlib.get_logger(__name__)


class BackgroundAnswers:
    """What the routes do with background answers. `writer` makes the dialect's encoder."""

    def __init__(
        self,
        background: Background,
        writer: Callable[[Request, Envelope], Writer],
        recall: Recall,
        journal: Journal,
        state: State,
    ) -> None:
        self._background = background
        self._writer = writer
        self._recall = recall
        self._journal = journal
        self._state = state

    async def begin(self, exchange: Exchange, note: Note | None, envelope: Envelope, entry: Entry, share: Share) -> Run:
        """Have an answer made. Raises `Refusal`."""
        assert note is not None, "what is made in the background is stored"
        writer = self._writer(exchange.request, msgspec.structs.replace(envelope, settle=None))
        first = Settled(ident=writer.id, status="queued", body=b"")
        stored = self._recall.stored(note, None, envelope.created, first)
        own = Entry(request_id=entry.request_id, dialect=entry.dialect, started=time.monotonic(), status=200)
        own.exchange = exchange
        end = _End(self._recall, self._journal, note, own)
        run = Run(exchange, writer, stored, share.handed_on(), end.note, end.written)
        try:
            await self._background.begin(run)
        except StoreError:
            raise Refusal(STORE_AWAY) from None
        return run

    async def get(self, ident: str) -> Stored | None:
        """A response that this process works on; `None` when it does not."""
        return await self._background.get(ident)

    async def cancel(self, known: Stored) -> None:
        """Have an answer end; one that is over stays as it is. Raises `Refusal` and `StoreError`."""
        if not msgspec.json.decode(known.response, type=_Kind).background:
            raise invalid(_NOT_BACKGROUND.format(ident=known.id[:80]), "response_id", code="response_not_cancellable")
        await self._background.cancel(known.id)

    async def forget(self, ident: str) -> None:
        """A response was deleted; if it is still made, that stops."""
        await self._background.forget(ident)

    async def resumed(self, ident: str, query: Mapping[str, str], timing: Timing) -> Response:
        """The frames that the client has not got, live until the last. Raises `Refusal` and `StoreError`."""
        after = starting_after(query.get("starting_after"))
        if not await self._background.recorded(ident):
            message = _NOT_RECORDED.format(ident=ident[:80])
            raise Refusal(Problem(kind=Kind.INVALID, message=message, param="stream", code="stream_not_available"))
        return _Stream(self._background.frames(ident, after), timing, self._state)


class _End:
    """What happens at the end of a run besides its own row: a line of the log, and the turn of its conversation."""

    def __init__(self, recall: Recall, journal: Journal, note: Note, entry: Entry) -> None:
        self._entry = entry
        self._recall = recall
        self._journal = journal
        self._note = note
        self._kept: Kept | None = None

    def note(self, run: Run) -> None:
        """It is over."""
        if self._note.conversation is not None:
            self._kept = self._recall.keep(self._note, run.stored(), keeps=False)
        self._entry.problem = run.problem
        if run.stopping and run.reason is None:
            self._entry.gone = "it was cancelled"
        self._journal.made(self._entry)

    async def written(self) -> None:
        """Its turn is where other processes find it."""
        if self._kept is not None:
            await self._recall.written(self._kept)


class _Kind(msgspec.Struct):
    """What is asked of a response object."""

    background: bool = False


class _Stream(Response):
    """A stream that was taken up again, as an answer of an ordinary route."""

    def __init__(self, frames: AsyncGenerator[bytes, None], timing: Timing, state: State) -> None:
        super().__init__()
        self._frames = frames
        self._timing = timing
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = Line(receive, send, self._timing, COMMENT, ())
        self._state.enter()
        try:
            async with line:
                await pour(line, self._frames)
        except asyncio.CancelledError:
            if not only_left(line.gone):
                raise
        finally:
            self._state.leave()


def starting_after(query: str | None) -> int:
    """The number of the last frame that the client has; -1 when it has none. Raises `Refusal`."""
    if not query:
        return -1
    if not (query.isascii() and query.isdecimal() and len(query) < 10):
        raise invalid("starting_after must be the sequence_number of an event", "starting_after")
    return int(query)


async def pour(line: Line, frames: AsyncGenerator[bytes, None]) -> None:
    """Send frames as they come, with signs of life between them.

    When they cannot be read any more the connection ends in the middle: the stream may be taken up again.
    """
    line.will_stream()
    await line.open()
    try:
        async with aclosing(frames):
            async for data in frames:
                await line.write(data)
    except (StoreError, Missing) as error:
        _log.warning("stream broken off", reason=str(error) or "frames are missing")
    else:
        await line.finish()
