"""`/v1/conversations`: conversations whose items are kept here, as OpenAI's SDKs make, fill and read them."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.stored import Conversation
from grok2api.dialects.openai_responses import conversations as wire
from grok2api.dialects.openai_responses import recalled
from grok2api.dialects.openai_responses.decode import no_conversation
from grok2api.dialects.openai_responses.recalled import Item
from grok2api.gateway.recalling import NOT_STORED, RecallOptions
from grok2api.gateway.shelf import Conversations, Shelf
from grok2api.media.budget import Budget
from grok2api.web.auth import owner
from grok2api.web.body import read_body
from grok2api.web.guard import Guard
from grok2api.web.options import State, WebOptions
from grok2api.web.paging import listed, paging, unknown_after
from grok2api.web.responses import wants_encrypted
from grok2api.web.routes import json_answer

_ONE, _ITEMS, _ITEM = (
    "/v1/conversations/{ident}",
    "/v1/conversations/{ident}/items",
    "/v1/conversations/{ident}/items/{item}",
)


class Stored(Conversations, Protocol):
    """The conversations in the store; see `storage.conversations`. Raises `StoreError`."""

    async def add(self, conversation: Conversation, first: list[Item]) -> None: ...
    async def note(self, ident: str, about: Any) -> bool: ...
    async def remove(self, ident: str) -> bool: ...
    async def page(self, ident: str, after: str | None, limit: int, *, newest_first: bool) -> list[Item] | None: ...
    async def item(self, ident: str, item: str) -> Item | None: ...
    async def drop(self, ident: str, item: str) -> bool: ...


class ConversationRoutes:
    """The handlers. What is changed here is written at once; `shelf` writes turns that wait before it is read."""

    def __init__(
        self,
        store: Stored,
        shelf: Shelf,
        budget: Budget,
        options: Callable[[], WebOptions],
        stored: Callable[[], RecallOptions],
        state: State,
        fingerprint: Callable[[str], str],
        now: Callable[[], float],
        new_id: Callable[[str], str],
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._budget = budget
        self._options = options
        self._stored = stored
        self._fingerprint = fingerprint
        self._now = now
        self._new_id = new_id
        self._guarded = Guard(options, state)

    def table(self) -> list[Route]:
        """Path by path."""
        rows = (
            ("/v1/conversations", "POST", self.create),
            (_ONE, "GET", self.one),
            (_ONE, "POST", self.note),
            (_ONE, "DELETE", self.delete),
            (_ITEMS, "POST", self.add),
            (_ITEMS, "GET", self.items),
            (_ITEM, "GET", self.item),
            (_ITEM, "DELETE", self.drop),
        )
        return [Route(path, self._guarded(handler), methods=[method]) for path, method, handler in rows]

    async def create(self, request: Request) -> Response:
        """Begin a conversation."""
        if not self._stored().store:
            raise Refusal(msgspec.structs.replace(NOT_STORED, param=None))
        begun = wire.begun(await self._body(request))
        now = self._now()
        made = Conversation(
            id=self._new_id("conv_"), created_at=now, used_at=now, owner=self._owner(request), about=begun.about
        )
        await self._store.add(made, self._named(begun.items))
        return json_answer(wire.conversation(made))

    async def one(self, request: Request) -> Response:
        """A conversation, without its items."""
        return json_answer(wire.conversation(await self._found(request)))

    async def note(self, request: Request) -> Response:
        """Change what is noted about a conversation."""
        about = wire.noted(await self._body(request))
        found = await self._found(request)
        await self._store.note(found.id, about)
        return json_answer(wire.conversation(msgspec.structs.replace(found, about=about)))

    async def delete(self, request: Request) -> Response:
        """Forget a conversation and its items; responses of it stay."""
        found = await self._found(request)
        await self._store.remove(found.id)
        return json_answer(wire.deleted(found.id))

    async def add(self, request: Request) -> Response:
        """Add items."""
        items = self._named(wire.added(await self._body(request)))
        found = await self._found(request)
        await self._shelf.write()
        if not await self._store.append(found.id, items, self._now()):
            raise Refusal(no_conversation(found.id))
        return json_answer(listed(self._shown(items, request), more=False))

    async def items(self, request: Request) -> Response:
        """Items, page by page."""
        wanted = paging(request.query_params)
        found = await self._found(request)
        await self._shelf.write()
        page = await self._store.page(found.id, wanted.after, wanted.limit + 1, newest_first=wanted.newest_first)
        if page is None:
            raise unknown_after("an item")
        return json_answer(listed(self._shown(page[: wanted.limit], request), more=len(page) > wanted.limit))

    async def item(self, request: Request) -> Response:
        """One item."""
        found = await self._found(request)
        await self._shelf.write()
        item = await self._store.item(found.id, request.path_params["item"])
        if item is None:
            raise Refusal(_no_item(request))
        return json_answer(self._shown([item], request)[0])

    async def drop(self, request: Request) -> Response:
        """Forget one item."""
        found = await self._found(request)
        await self._shelf.write()
        if not await self._store.drop(found.id, request.path_params["item"]):
            raise Refusal(_no_item(request))
        return json_answer(wire.conversation(found))

    async def _body(self, request: Request) -> bytes:
        with self._budget.share() as share:
            most = min(self._options().max_body, self._stored().largest)
            return await read_body(request.receive, dict(request.headers), most, share)

    async def _found(self, request: Request) -> Conversation:
        ident = request.path_params["ident"]
        found = await self._shelf.conversation(ident, self._owner(request))
        if found is None:
            raise Refusal(msgspec.structs.replace(no_conversation(ident), param="conversation_id"))
        return found

    def _named(self, items: Any) -> list[Item]:
        return recalled.named(items, self._new_id("resp_"))

    def _shown(self, items: list[Item], request: Request) -> list[Item]:
        return recalled.shown(items, encrypted=wants_encrypted(request))

    def _owner(self, request: Request) -> str:
        return owner(dict(request.headers), self._options().keys, self._fingerprint)


def _no_item(request: Request) -> Problem:
    message = f"There is no item {request.path_params['item'][:80]!r} in this conversation, or no longer"
    return Problem(kind=Kind.NOT_FOUND, message=message, code="item_not_found", param="item_id")
