"""Around every endpoint of the admin API: the key, the bounds of a body, the envelope of errors, the log line.

A call is authenticated before anything else is said about it, the existence of its path included. Its key and its query
string reach no log line, error text or redirect. What a handler does wrong is a 500 without its traceback, and a store
that is away is a 503 that says when to come back (D4).
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import structlog
from starlette.routing import BaseRoute
from starlette.routing import Route as StarletteRoute

from grok2api.admin import reading
from grok2api.admin.access import AdminKey
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts
from grok2api.admin.route import BASE, Call, Route
from grok2api.admin.sending import PRIVATE, Sender
from grok2api.canonical.problem import Refusal
from grok2api.storage.errors import StoreError
from grok2api.web.asgi import Gone, Headers, Receive, Scope, Send, headers_of
from grok2api.web.body import read_body
from grok2api.web.options import State, WebOptions
from grok2api.web.stream import Line, only_left

#: Bodies larger than this are read in a thread, so that streams go on meanwhile.
_LARGE = 256 * 1024
#: Seconds after which a store that is away is worth another try.
_STORE_RETRY = 5.0
_PING = b": ping\n\n"

_BUG = refuse("internal_error", "The gateway made a mistake; its log has the details under this request id")

_log = structlog.stdlib.get_logger("grok2api.admin")


class Frame:
    """What all endpoints share."""

    def __init__(self, parts: Parts, key: AdminKey, options: Callable[[], WebOptions], state: State) -> None:
        self.parts = parts
        self.key = key
        self.options = options
        self.state = state

    def routes(self, table: Sequence[Route]) -> list[BaseRoute]:
        """The table as routes of the face, one a path; the last ones take what is nowhere."""
        paths: dict[str, dict[str, Route]] = {}
        for row in sorted(table, key=lambda row: "{" in row.path):
            paths.setdefault(f"{BASE}{row.path}", {})[row.method] = row
        for nowhere in (BASE, f"{BASE}/{{rest:path}}"):
            paths[nowhere] = {}
        return [StarletteRoute(path, Endpoint(self, methods)) for path, methods in paths.items()]


class Endpoint:
    """One path, with its rows by method."""

    def __init__(self, frame: Frame, methods: Mapping[str, Route]) -> None:
        self._frame = frame
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        row = self._methods.get("GET" if scope["method"] == "HEAD" else scope["method"])
        sender = Sender(send, bodiless=scope["method"] == "HEAD")
        held = row is not None and not row.abandons  # what may be abandoned does not hold up the end
        if held:
            self._frame.state.enter()
        try:
            gone = await self._serve(scope, receive, sender, row)
        finally:
            if held:
                self._frame.state.leave()
        _log.info(
            "left" if gone else "administered",
            request_id=scope.get("grok2api.request_id", ""),
            method=scope["method"],
            route=row.path if row is not None else "",
            status=sender.status,
            seconds=round(time.monotonic() - started, 4),
        )

    async def _serve(self, scope: Scope, receive: Receive, sender: Sender, row: Route | None) -> bool:
        """Answer; whether the client left meanwhile."""
        line = Line(receive, sender, self._frame.options().timing, _PING, PRIVATE[1:])
        try:
            await self._answer(scope, receive, sender, row, line)
        except Refusal as refusal:
            await sender.refuse(refusal.problem, self._methods)
        except StoreError as error:
            await self._away(sender, error)
        except Gone:
            return True
        except asyncio.CancelledError:
            if not only_left(line.gone):
                raise
            return True
        except Exception:
            _log.exception("bug", route=row.path if row else "", request_id=scope.get("grok2api.request_id", ""))
            if not sender.status:
                await sender.refuse(_BUG.problem, ())
        return False

    async def _answer(self, scope: Scope, receive: Receive, sender: Sender, row: Route | None, line: Line) -> None:
        headers = headers_of(scope)
        parameters = reading.parameters(scope.get("query_string", b""))
        self._frame.key.check(headers, parameters)
        if self._frame.state.draining:
            raise refuse("draining", "The gateway is shutting down; try again in a moment")
        if row is None:
            raise self._nothing(scope["path"][:200])
        query = reading.query(parameters, row.query)
        call = Call(query, await self._body(receive, headers, row), scope.get("path_params", {}))
        if row.abandons:
            async with line:
                await sender.answer(await row.handler(self._frame.parts, call), line)
        else:
            await sender.answer(await row.handler(self._frame.parts, call), line)

    async def _body(self, receive: Receive, headers: Headers, row: Route) -> object:
        if row.body is None:
            return None
        raw = await read_body(receive, headers, self._frame.options().max_body)
        if len(raw) > _LARGE:
            return await asyncio.to_thread(reading.body, raw, row.body)
        return reading.body(raw, row.body)

    def _nothing(self, path: str) -> Refusal:
        if self._methods:
            return refuse("method_not_allowed", f"{path} takes {', '.join(self._methods)}")
        return refuse("not_found", f"There is nothing at {path}; {BASE}/docs lists what there is")

    async def _away(self, sender: Sender, error: StoreError) -> None:
        _log.warning("the store is away", reason=str(error))
        if not sender.status:
            message = f"{error} Nothing was changed; serving goes on from memory."
            refusal = refuse("storage_unavailable", message, retry_after=_STORE_RETRY)
            await sender.refuse(refusal.problem, ())
