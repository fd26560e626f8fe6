"""`/v1/responses/{id}`: what is stored of a response, as OpenAI's SDKs look at it and delete it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.stored import Stored
from grok2api.dialects.openai_responses import recalled
from grok2api.gateway.recalling import Recall
from grok2api.gateway.shelf import Shelf
from grok2api.web.auth import owner
from grok2api.web.background import BackgroundAnswers
from grok2api.web.guard import Guard
from grok2api.web.options import State, WebOptions
from grok2api.web.paging import Paging, listed, paging, unknown_after
from grok2api.web.routes import json_answer

_ENCRYPTED = "reasoning.encrypted_content"


def wants_encrypted(request: Request) -> bool:
    """Whether a query asks for the opaque form of reasoning (`include`, `include[]`)."""
    query = request.query_params
    return _ENCRYPTED in (*query.getlist("include"), *query.getlist("include[]"))


class ResponseRoutes:
    """The handlers for responses. `fingerprint` turns a client's key into what may be written down."""

    def __init__(
        self,
        shelf: Shelf,
        recall: Recall,
        background: BackgroundAnswers,
        options: Callable[[], WebOptions],
        state: State,
        fingerprint: Callable[[str], str],
    ) -> None:
        self._shelf = shelf
        self._recall = recall
        self._background = background
        self._options = options
        self._fingerprint = fingerprint
        self._guarded = Guard(options, state)

    def table(self) -> list[Route]:
        """Path by path."""
        return [
            Route("/v1/responses/{ident}", self._guarded(self.one), methods=["GET"]),
            Route("/v1/responses/{ident}", self._guarded(self.delete), methods=["DELETE"]),
            Route("/v1/responses/{ident}/cancel", self._guarded(self.cancel), methods=["POST"]),
            Route("/v1/responses/{ident}/input_items", self._guarded(self.items), methods=["GET"]),
        ]

    async def one(self, request: Request) -> Response:
        """A response as it was answered; or its stream, when it is made in the background."""
        stored = await self._found(request)
        if request.query_params.get("stream") in ("true", "1"):
            return await self._background.resumed(stored.id, request.query_params, self._options().timing)
        if wants_encrypted(request) and stored.kept:
            body = msgspec.json.decode(stored.response)
            return json_answer({**body, "output": recalled.whole_output(stored)})
        return Response(stored.response, media_type="application/json")

    async def delete(self, request: Request) -> Response:
        """Forget a response."""
        ident = request.path_params["ident"]
        if not await self._shelf.remove(ident, self._owner(request)):
            raise Refusal(_missing(ident))
        await self._background.forget(ident)
        return json_answer({"id": ident, "object": "response", "deleted": True})

    async def cancel(self, request: Request) -> Response:
        """Give up a response that is made in the background."""
        await self._background.cancel(await self._found(request))
        return Response((await self._found(request)).response, media_type="application/json")

    async def items(self, request: Request) -> Response:
        """What a response was made from, page by page: what came before it, and its own input."""
        wanted = paging(request.query_params)
        stored = await self._found(request)
        every = recalled.shown(
            await self._recall.before(stored, self._owner(request)), encrypted=wants_encrypted(request)
        )
        return json_answer(_page(every, wanted))

    async def _found(self, request: Request) -> Stored:
        ident = request.path_params["ident"]
        stored = await self._background.get(ident) or await self._shelf.get(ident, self._owner(request))
        if stored is None or stored.owner != self._owner(request):
            raise Refusal(_missing(ident))
        return stored

    def _owner(self, request: Request) -> str:
        return owner(dict(request.headers), self._options().keys, self._fingerprint)


def _page(items: Sequence[Mapping[str, Any]], wanted: Paging) -> dict[str, Any]:
    ordered = list(reversed(items)) if wanted.newest_first else list(items)
    start = 0
    if wanted.after is not None:
        places = [place for place, item in enumerate(ordered) if item.get("id") == wanted.after]
        if not places:
            raise unknown_after("an item")
        start = places[0] + 1
    end = start + wanted.limit
    return listed(ordered[start:end], more=len(ordered) > end)


def _missing(ident: str) -> Problem:
    message = f"There is no response {ident[:80]!r} here, or no longer"
    return Problem(kind=Kind.NOT_FOUND, message=message, code="response_not_found", param="response_id")
