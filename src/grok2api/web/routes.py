"""The small routes: models, health, readiness, version."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.dialects import models_list
from grok2api.gateway.exchange import Gateway
from grok2api.web.auth import authenticate
from grok2api.web.options import State, WebOptions
from grok2api.web.problems import render, retry_headers

_encode = msgspec.json.Encoder().encode

Handler = Callable[[Request], Awaitable[Response]]


def json_answer(payload: object, status: int = 200) -> Response:
    return Response(_encode(payload), status, media_type="application/json")


def problem_answer(problem: Problem, request: Request) -> Response:
    """A problem as the answer of any route, in the envelope that the client speaks."""
    request_id = request.scope.get("grok2api.request_id", "")
    status, body = render(problem, request.url.path, request.headers, request_id)
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
        served = self._gateway.served()
        if "anthropic-version" in request.headers:
            return json_answer(models_list.anthropic_list(served))
        return json_answer(models_list.openai_list(served))

    async def one_model(self, request: Request) -> Response:
        name = request.path_params["name"]
        for model in self._gateway.served():
            if model.name == name:
                if "anthropic-version" in request.headers:
                    return json_answer(models_list.anthropic_model(model))
                return json_answer(models_list.openai_model(model))
        raise Refusal(_no_model(self._gateway, name))

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


def _no_model(gateway: Gateway, name: str) -> Problem:
    """Why that name is not in the list: unknown, or known and not servable by these accounts."""
    try:
        gateway.find(name)
    except Refusal as refusal:
        message = refusal.problem.message
    else:
        message = f"No account can serve the model {name!r}; add one with 'grok2api accounts add'"
    return Problem(kind=Kind.NOT_FOUND, message=message, code="model_not_found", param="model")
