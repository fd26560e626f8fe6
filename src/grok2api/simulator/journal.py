"""What the simulator was asked and how each exchange ended.

An entry is opened when a request's head has arrived and closed when the connection is done with it.
Tests wait for a change instead of polling. Cookies and bearer values are kept apart from what is shown
over HTTP, where an entry names the account instead.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import msgspec

Ended = Literal["open", "complete", "rejected", "broken", "disconnected", "failed"]

_SECRET_HEADERS = frozenset({"cookie", "authorization", "dpop"})


class Entry(msgspec.Struct, kw_only=True):
    """One request.

    endpoint: `web`, `socket`, `console`, `rate_limits`, `session`, `usage`, `dpop_token`, …
    account: the token that was recognised. body: the decoded JSON, or the text.
    ended: `broken` means that a fault ended it, `disconnected` that the caller left.
    """

    number: int
    endpoint: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    at: float
    account: str | None = None
    mode: str | None = None
    body: Any = None
    notes: list[str] = []
    faults: list[str] = []
    status: int = 0
    sent: int = 0
    ended: Ended = "open"
    ended_at: float | None = None

    @property
    def token(self) -> str | None:
        """The session token of the request's cookie, known or not."""
        return cookies(self.headers.get("cookie", "")).get("sso")

    def shown(self) -> dict[str, Any]:
        """The entry without secrets, for `GET /_sim/journal`."""
        kept = {name: value for name, value in self.headers.items() if name not in _SECRET_HEADERS}
        kept["cookie-names"] = ", ".join(cookies(self.headers.get("cookie", "")))
        return {**msgspec.to_builtins(self), "headers": kept}


def cookies(header: str) -> dict[str, str]:
    """The pairs of a Cookie header."""
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return {name: value for name, sep, value in pairs if sep}


class Journal:
    """The last `limit` requests, oldest first."""

    def __init__(self, now: Callable[[], float], limit: int = 10_000) -> None:
        self._now = now
        self._count = 0
        self._waiting: list[asyncio.Future[None]] = []
        self.entries: deque[Entry] = deque(maxlen=limit)

    def open(self, endpoint: str, method: str, path: str, query: str, headers: dict[str, str]) -> Entry:
        """A new entry."""
        self._count += 1
        entry = Entry(
            number=self._count,
            endpoint=endpoint,
            method=method,
            path=path,
            query=query,
            headers=headers,
            at=self._now(),
        )
        self.entries.append(entry)
        self._changed()
        return entry

    def close(self, entry: Entry, ended: Ended) -> None:
        """Notes how an exchange ended; the first word stands."""
        if entry.ended == "open":
            entry.ended, entry.ended_at = ended, self._now()
            self._changed()

    def clear(self) -> None:
        self.entries.clear()

    def of(self, endpoint: str) -> list[Entry]:
        """The entries of one endpoint."""
        return [entry for entry in self.entries if entry.endpoint == endpoint]

    @property
    def chats(self) -> list[Entry]:
        """The requests for an answer, on any surface."""
        return [entry for entry in self.entries if entry.endpoint in ("web", "console", "api", "socket")]

    async def wait(self, wanted: Callable[[Entry], bool], within: float = 2.0) -> Entry:
        """The first entry that `wanted` accepts, as soon as there is one. Raises `TimeoutError`."""
        async with asyncio.timeout(within):
            while True:
                for entry in self.entries:
                    if wanted(entry):
                        return entry
                change = asyncio.get_running_loop().create_future()
                self._waiting.append(change)
                await change

    def _changed(self) -> None:
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():
                change.set_result(None)
