"""`/v1/responses/{id}`: responses that were asked for before."""

from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.stored import Stored
from grok2api.gateway.background import Background
from grok2api.storage.errors import StoreError
from grok2api.web.auth import authenticate
from grok2api.web.background import BackgroundAnswers
from grok2api.web.options import State, WebOptions
from grok2api.web.problems import INTERNAL, STORE_AWAY
from grok2api.web.routes import Handler, problem_answer

_log = structlog.stdlib.get_logger(__name__)


class ResponseRoutes:
    """The handlers."""

    def __init__(
        self, background: Background, apart: BackgroundAnswers, options: Callable[[], WebOptions], state: State
    ) -> None:
        self._background = background
        self._apart = apart
        self._options = options
        self._state = state

    def table(self) -> list[Route]:
        """Path by path."""
        return [
            Route("/v1/responses/{ident}", self._guarded(self.one), methods=["GET"]),
            Route("/v1/responses/{ident}/cancel", self._guarded(self.cancel), methods=["POST"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guard(request: Request) -> Response:
            try:
                denied = authenticate(dict(request.headers), self._options().keys)
                if denied is not None:
                    raise Refusal(denied)
                return await handler(request)
            except Refusal as refusal:
                return problem_answer(refusal.problem, request.url.path, request.headers)
            except StoreError:
                return problem_answer(STORE_AWAY, request.url.path, request.headers)
            except Exception:
                _log.exception("bug")
                return problem_answer(INTERNAL, request.url.path, request.headers)

        return guard

    async def one(self, request: Request) -> Response:
        known = await self._found(request)
        if request.query_params.get("stream") in ("true", "1"):
            return await self._apart.resumed(known.id, request.query_params, self._options().timing)
        return Response(known.response, media_type="application/json")

    async def cancel(self, request: Request) -> Response:
        known = await self._found(request)
        over = await self._apart.cancel(known)
        return Response((over or known).response, media_type="application/json")

    async def _found(self, request: Request) -> Stored:
        ident = request.path_params["ident"]
        known = await self._background.get(ident)
        if known is None:
            message = f"There is no response {ident[:80]!r} here, or no longer"
            raise Refusal(Problem(kind=Kind.NOT_FOUND, message=message, code="response_not_found", param="id"))
        return known
