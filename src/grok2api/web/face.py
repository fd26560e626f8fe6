"""The whole HTTP face as one ASGI application: the hot routes by table, the rest by Starlette.

Also answers for what does not exist: a doubled or missing `/v1` is told the right URL (C9), a wrong method and
an unknown path get the client's own error envelope, and every answer carries `x-request-id`. Pages of other origins
are let in where the settings name them (`cors`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from grok2api.canonical.problem import Kind, Problem
from grok2api.web.asgi import Asgi, Receive, Scope, Send, adding, answer_nothing
from grok2api.web.cors import judge
from grok2api.web.links import public_base
from grok2api.web.paths import Paths
from grok2api.web.problems import speaks_anthropic
from grok2api.web.routes import problem_answer

#: Characters of a path that an error repeats.
_SHOWN = 200


class Face:
    """Dispatches requests; see the module."""

    def __init__(
        self,
        hot: Mapping[str, Asgi],
        routes: Sequence[BaseRoute],
        new_id: Callable[[str], str],
        origins: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._hot = hot
        self._new_id = new_id
        self._origins = origins
        self.known = tuple(hot) + tuple(getattr(route, "path", "") for route in routes)
        self._routes = [route for route in routes if isinstance(route, Route)]
        self._paths = Paths(
            [path for path in self.known if "{" not in path],
            [route.path_regex for route in self._routes if route.param_convertors],
        )
        self._rest = Starlette(
            routes=list(routes),
            exception_handlers={HTTPException: self._missing, 500: _broken},
        )
        self._rest.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            origins = self._origins()
            verdict = judge(scope, origins) if origins else None
            if verdict is None:
                await self._serve(scope, receive, send)
            elif verdict.preflight:
                await answer_nothing(send, [*verdict.headers, *_ids(self._new_id("req_"))])
            else:
                await self._serve(scope, receive, adding(send, verdict.headers))
        elif scope["type"] == "lifespan":
            await self._rest(scope, receive, send)

    def _serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """The work of one request; every token passes through what stands above it, so no coroutine of ours does."""
        route = self._hot.get(scope["path"])
        if route is not None:
            return route(scope, receive, send)
        request_id = scope["grok2api.request_id"] = self._new_id("req_")
        return self._rest(scope, receive, adding(send, _ids(request_id)))

    def _missing(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.url.path
        if error.status_code == 405:
            allowed = self._allowed(path)
            message = f"{path[:_SHOWN]} does not take {request.method[:_SHOWN]}, but {' and '.join(allowed)}"
            problem = Problem(kind=Kind.METHOD, message=message, code=Kind.METHOD.value, allow=allowed)
            return problem_answer(problem, request)
        right = self._paths.meant(path)
        problem = Problem(kind=Kind.NOT_FOUND, message=_advice(request, right), code=Kind.NOT_FOUND.value)
        return problem_answer(problem, request, right)

    def _allowed(self, path: str) -> tuple[str, ...]:
        """The methods that a path takes."""
        methods = {method for route in self._routes if route.path_regex.match(path) for method in route.methods or ()}
        return tuple(sorted(methods))


def _advice(request: Request, right: str | None) -> str:
    """What there is instead, with the base URL that the client's SDK wants: Anthropic's writes the `/v1` itself."""
    base = public_base("", request.scope, dict(request.headers))
    shown = request.url.path[:_SHOWN]
    if right is None and shown.startswith("/admin/"):
        return f"There is nothing at {shown}"
    if right is None:
        return f"There is nothing at {shown}; the base URL is {base}/v1 for OpenAI's SDKs and {base} for Anthropic's"
    wanted = base if speaks_anthropic(right, request.headers) else f"{base}/v1"
    return f"There is nothing at {shown}; the right URL is {base}{right[:_SHOWN]} (base URL {wanted})"


def _broken(request: Request, _: Exception) -> Response:
    problem = Problem(kind=Kind.INTERNAL, message="The gateway made a mistake; its log has the details")
    return problem_answer(problem, request)


def _ids(request_id: str) -> list[tuple[bytes, bytes]]:
    ident = request_id.encode()
    return [(b"x-request-id", ident), (b"request-id", ident)]  # both names that SDKs read
