"""The small routes: models, health, readiness, version."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grok2api.canonical.problem import Kind, Problem, Refusal, invalid
from grok2api.dialects import codex_models, models_list
from grok2api.gateway.exchange import Gateway
from grok2api.web.auth import authenticate
from grok2api.web.options import State, WebOptions
from grok2api.web.problems import render, retry_headers

_LONGEST_PAGE = 1000

_encode = msgspec.json.Encoder().encode

Handler = Callable[[Request], Awaitable[Response]]


def json_answer(payload: object, status: int = 200) -> Response:
    return Response(_encode(payload), status, media_type="application/json")


def problem_answer(problem: Problem, request: Request, meant: str | None = None) -> Response:
    """A problem as the answer of any route, in the envelope that the client speaks; `meant` is the path it wanted."""
    request_id = request.scope.get("grok2api.request_id", "")
    status, body = render(problem, meant or request.url.path, request.headers, request_id)
    return Response(body, status, headers=dict(retry_headers(status, problem)), media_type="application/json")


class SmallRoutes:
    """The handlers. `ready` says why the gateway cannot serve, or nothing when it can."""

    def __init__(
        self,
        gateway: Gateway,
        options: Callable[[], WebOptions],
        state: State,
        ready: Callable[[], str],
        version: str,
    ) -> None:
        self._gateway = gateway
        self._options = options
        self._state = state
        self._ready = ready
        self._version = version

    def table(self) -> list[Route]:
        """Path by path."""
        return [
            Route("/", self.root, methods=["GET", "HEAD"]),
            Route("/health", self.health, methods=["GET"]),
            Route("/ready", self.readiness, methods=["GET"]),
            Route("/meta", self.meta, methods=["GET"]),
            Route("/v1/models", self._guarded(self.list_models), methods=["GET"]),
            Route("/v1/models/{name:path}", self._guarded(self.one_model), methods=["GET"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        """The handler behind the client keys, its refusals rendered."""

        async def guard(request: Request) -> Response:
            denied = authenticate(dict(request.headers), self._options().keys)
            if denied is not None:
                return problem_answer(denied, request)
            try:
                return await handler(request)
            except Refusal as refusal:
                return problem_answer(refusal.problem, request)

        return guard

    async def list_models(self, request: Request) -> Response:
        if "anthropic-version" not in request.headers:
            models = self._gateway.models.listed(well_known=False)
            asked_by_codex = "client_version" in request.query_params
            more = {"models": codex_models.catalogue(models)} if asked_by_codex else {}
            return json_answer({**models_list.openai_list(models), **more})
        listed, query = self._gateway.models.listed(well_known=True), request.query_params
        after, before = query.get("after_id") or None, query.get("before_id") or None
        page = models_list.anthropic_list(listed, limit=_limit(query.get("limit")), after=after, before=before)
        return json_answer(page)

    async def one_model(self, request: Request) -> Response:
        if not request.path_params["name"].strip("/"):
            raise HTTPException(404)
        try:
            found = self._gateway.models.one(request.path_params["name"])
        except Refusal as refusal:
            raise Refusal(replace(refusal.problem, kind=Kind.NOT_FOUND)) from None
        if "anthropic-version" in request.headers:
            return json_answer(models_list.anthropic_model(found))
        return json_answer(models_list.openai_model(found))

    async def health(self, _: Request) -> Response:
        return json_answer({"status": "ok"})

    async def readiness(self, _: Request) -> Response:
        reason = "draining" if self._state.draining else self._ready()
        if reason:
            return json_answer({"status": "unavailable", "reason": reason}, 503)
        return json_answer({"status": "ready"})

    async def meta(self, _: Request) -> Response:
        return json_answer({"version": self._version})

    async def root(self, request: Request) -> Response:
        return json_answer({"name": "grok2api", "version": self._version, "api": f"{request.base_url}v1"})


def _limit(given: str | None) -> int:
    """The length of a page. Anthropic's is 20 when nothing is said; whoever says nothing here wants them all."""
    if not given:
        return _LONGEST_PAGE
    if not (given.isascii() and given.isdecimal() and int(given[:9]) >= 1):
        raise invalid(f"limit must be between 1 and {_LONGEST_PAGE}", "limit")
    return min(int(given[:9]), _LONGEST_PAGE)
