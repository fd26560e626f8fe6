"""The whole HTTP face as one ASGI application: the hot routes by table, the rest by Starlette.

Also answers for what does not exist: a doubled or missing `/v1` is told the right URL (C9), a wrong method and
an unknown path get the client's own error envelope, and every answer carries `x-request-id`.
"""

from collections.abc import Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from grok2api.canonical.problem import Kind, Problem
from grok2api.web.asgi import Asgi, Message, Receive, Scope, Send
from grok2api.web.routes import problem_answer

_KINDS: Mapping[int, Kind] = {404: Kind.NOT_FOUND, 405: Kind.METHOD}


class Face:
    """Dispatches requests; see the module."""

    def __init__(self, hot: Mapping[str, Asgi], routes: Sequence[BaseRoute], new_id: Callable[[str], str]) -> None:
        self._hot = hot
        self._new_id = new_id
        self.known = tuple(hot) + tuple(getattr(route, "path", "") for route in routes)
        self._rest = Starlette(
            routes=list(routes),
            exception_handlers={HTTPException: self._missing, 500: _broken},
        )
        self._rest.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            route = self._hot.get(scope["path"])
            if route is not None:
                await route(scope, receive, send)
                return
            request_id = scope["grok2api.request_id"] = self._new_id("req_")
            await self._rest(scope, receive, _with_id(send, request_id))
        elif scope["type"] == "lifespan":
            await self._rest(scope, receive, send)

    def _missing(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = _KINDS.get(error.status_code, Kind.INVALID)
        problem = Problem(kind=kind, message=self._advice(request, kind), code=kind.value)
        answer = problem_answer(problem, request)
        if error.headers:
            answer.headers.update(error.headers)
        return answer

    def _advice(self, request: Request, kind: Kind) -> str:
        path = request.url.path
        if kind is Kind.METHOD:
            return f"{path[:200]} does not take {request.method}"
        right = "/v1/" + path.strip("/").removeprefix("v1/").removeprefix("v1/").removeprefix("v1/")
        if right != path and (right in self._hot or right in self.known):
            base = str(request.base_url).rstrip("/")
            return f"There is nothing at {path[:200]}; the right URL is {base}{right} (base URL {base}/v1)"
        return f"There is nothing at {path[:200]}"


def _broken(request: Request, _: Exception) -> Response:
    problem = Problem(kind=Kind.INTERNAL, message="The gateway made a mistake; its log has the details")
    return problem_answer(problem, request)


def _with_id(send: Send, request_id: str) -> Send:
    async def tagged(message: Message) -> None:
        if message["type"] == "http.response.start":
            ident = request_id.encode()
            ids = [(b"x-request-id", ident), (b"request-id", ident)]  # both names that SDKs read
            message = {**message, "headers": [*message.get("headers", ()), *ids]}
        await send(message)

    return tagged
