"""What the gateway needs of an upstream, and what an upstream is given.

An upstream is a *wire* (pure: build a call, parse bytes into facts) and an *adapter* (async: send it).
`plan` says before anything is sent what this upstream will do with the request: honour, emulate,
ignore by name, or refuse (H1). `converse` then tells facts, one list for each read of the socket.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from grok2api.canonical.events import Fact
from grok2api.canonical.problem import Problem
from grok2api.canonical.request import Request
from grok2api.catalog import Model


class Credential(msgspec.Struct, frozen=True):
    """What an adapter needs to act as an account. `secret` never reaches a log or an error."""

    account_id: str
    secret: str
    user_id: str | None = None

    def __repr__(self) -> str:
        return f"Credential({self.account_id})"


class Told(msgspec.Struct, frozen=True):
    """What an upstream tells of the quota of one mode: `remaining` of `total` calls in a window of `window_sec`.

    used_at: when it was used last, where the upstream says so; a window is over one length after that at the latest.
    """

    remaining: int
    total: int
    window_sec: int
    used_at: float | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a request will be served.

    ignored: the client's own names of parameters that have no effect here (`x-grok2api-ignored`).
    emulate_tools, emulate_stop, emulate_limit, emulate_format: what the gateway must do itself.
    counts: whether the upstream reports usage. most_files: different files that it takes; None: as many as we do.
    """

    ignored: tuple[str, ...] = ()
    emulate_tools: bool = False
    emulate_stop: bool = False
    emulate_limit: bool = False
    emulate_format: bool = False
    counts: bool = False
    most_files: int | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt's work: the request as this upstream shall see it, the mode paid for, and who pays."""

    request: Request
    model: Model
    mode: str
    credential: Credential
    request_id: str


class Upstream(Protocol):
    """A service that can hold a conversation."""

    name: str

    def plan(self, request: Request, model: Model) -> Plan:
        """How this request will be served. Raises `Refusal` for what cannot be."""
        ...

    def converse(self, task: Task) -> AsyncGenerator[list[Fact], None]:
        """The facts of one attempt; the last is `Ended` or `Failed`. Closing it ends the connection.

        An empty list says that there is work still to be done before the upstream is asked: patience begins anew.
        """
        ...


class Source(Protocol):
    """Bytes that are read off piece by piece, as often as they are wanted."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


class Pieces:
    """The body of a call that is put together while it is sent, so that a large part of it exists only once."""

    __slots__ = ("_parts",)

    def __init__(self, *parts: bytes | Source) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                yield from part

    def whole(self) -> bytes:
        """The body as it will have been sent."""
        return b"".join(self)


class HttpCall(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request as a value: what a wire builds and a transport sends.

    account: the id of the account it is sent for, which keeps to one way out; empty when it is nobody's.
    address: connect to this address, and not to what the URL's host resolves to; the host is still the one that is
    asked for and whose certificate is checked.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Pieces = b""
    account: str = ""
    address: str = ""


#: The code of UNREACHABLE when the call may have been read: it was sent, and no answer came.
UNANSWERED = "upstream_unanswered"


class TransportError(Exception):
    """The way to the upstream failed; `problem` is UNREACHABLE, TIMEOUT or CUT."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class HttpAnswer(Protocol):
    """An answer whose head has arrived. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncIterator[bytes]:
        """The decoded body, one item for each read. Raises `TransportError`."""
        ...

    async def head(self, limit: int = 4096) -> bytes:
        """At most the first `limit` bytes of the body: enough to classify an error."""
        ...


class Http(Protocol):
    """Sends one call. Leaving the context closes the connection unless the body was read to its end."""

    def send(self, call: HttpCall) -> AbstractAsyncContextManager[HttpAnswer]: ...


class Socket(Protocol):
    """An open WebSocket of text frames."""

    async def send(self, text: str) -> None: ...

    async def ping(self) -> None:
        """Send a ping of the protocol's own; nobody need wait for its answer. Raises `TransportError`."""
        ...

    def messages(self) -> AsyncGenerator[str, None]:
        """The text frames until the other side closes. Raises `TransportError` when it breaks."""
        ...


class HandshakeRefused(Exception):  # noqa: N818 - the upstream's answer, classified by the wire
    """The upgrade was answered by an HTTP status; `body` is its first bytes."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"the upgrade was answered with status {status}")
        self.status = status
        self.headers = headers
        self.body = body


class Sockets(Protocol):
    """Opens WebSockets; leaving the context closes them. `account` as in `HttpCall`."""

    def open(self, url: str, headers: Mapping[str, str], account: str = "") -> AbstractAsyncContextManager[Socket]: ...
