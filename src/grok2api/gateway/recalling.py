"""Requests that go on with what is stored: what they refer to is found, and their answers are kept.

A request is parsed, then what it refers to is looked up, then it is decoded with that. What comes before it is rebuilt
from the chain of responses or from the conversation, with the opaque reasoning that clients need not carry.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal, invalid
from grok2api.canonical.request import Request
from grok2api.canonical.stored import Stored
from grok2api.dialects.base import Settled
from grok2api.dialects.openai_responses import recalled
from grok2api.dialects.openai_responses.decode import Decode, Draft, decoded, no_conversation, no_previous
from grok2api.dialects.openai_responses.recalled import Item, Known, Refers
from grok2api.gateway.shelf import Kept, Shelf
from grok2api.media.budget import Share

_OFF_LOOP = 256 * 1024

#: Responses that are read at one go when a request refers to single items of many.
_SOME = 16


class RecallOptions(msgspec.Struct, frozen=True, kw_only=True):
    """store: whether answers are stored at all. largest: bytes of a request, and of an answer, that is stored.

    history: bytes of what comes before a request.
    """

    store: bool = True
    largest: int = 8 * 1024 * 1024
    history: int = 64 * 1024 * 1024


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be known of a request when its answer is kept.

    items: its own items as they came. known: single items that they refer to. size: bytes of the request.
    """

    owner: str
    model: str
    keeps: bool
    previous: str | None
    root: str | None
    conversation: str | None
    sticky: str | None
    items: Sequence[Item]
    known: Mapping[str, Item]
    size: int


class Turn(msgspec.Struct, frozen=True):
    """A request with what came before it; `note` is None when nothing of its answer is kept."""

    request: Request
    note: Note | None


class Recall:
    """Looks up and keeps."""

    def __init__(self, shelf: Shelf, options: Callable[[], RecallOptions]) -> None:
        self._shelf = shelf
        self._options = options

    async def read(self, body: bytes, headers: Mapping[str, str], owner: str, share: Share) -> Turn:
        """The request in `body`, with its history; `share` holds what that takes. Raises `Refusal` and `StoreError`."""
        draft, options = Draft(body), self._options()
        refers = draft.refers
        if refers.conversation is not None:
            _fits_conversation(draft.size, options)
        keeps = options.store and draft.size <= options.largest
        known, root = await self._known(refers, owner, share, options.history)
        request = decoded(draft, headers, msgspec.structs.replace(known, keeps=keeps))
        if not request.store and refers.conversation is None:
            return Turn(request, None)
        note = Note(
            owner=owner,
            model=request.model,
            keeps=request.store,
            previous=refers.previous,
            root=root,
            conversation=refers.conversation,
            sticky=request.sticky,
            items=recalled.own(draft.top),
            known=known.items,
            size=draft.size,
        )
        return Turn(request, note)

    async def history(
        self, body: bytes, headers: Mapping[str, str], owner: str, share: Share, decode: Decode
    ) -> Request:
        """A request whose answer is not kept, with its history. Raises `Refusal` and `StoreError`."""
        draft = Draft(body)
        known, _ = await self._known(draft.refers, owner, share, self._options().history)
        return decode(draft, headers, known)

    async def _known(self, refers: Refers, owner: str, share: Share, largest: int) -> tuple[Known, str | None]:
        """What the request refers to, and the first response of its chain."""
        if not refers:
            return Known(before=()), None
        root = None
        known = Known(before=())
        if refers.previous is not None:
            known, root = await self._after(refers.previous, owner, share, largest)
        elif refers.conversation is not None:
            known = await self._within(refers.conversation, owner, share, largest)
        wanted = [*refers.items, *recalled.references(known.before or ())]
        items, size = await self._referred(wanted, known, owner, largest)
        share.add(size)
        return msgspec.structs.replace(known, items=items), root

    async def _after(self, previous: str, owner: str, share: Share, largest: int) -> tuple[Known, str]:
        chain = await self._shelf.chain(previous, owner, largest)
        if chain.too_long:
            raise Refusal(_too_long("previous_response_id"))
        if not chain.responses or chain.missing == previous:
            raise Refusal(no_previous(previous))
        if chain.missing is not None:
            raise Refusal(no_previous(previous, f"because {chain.missing!r}, with which it goes on, is gone"))
        last = chain.responses[-1]
        if not last.over:
            message = f"The response {previous!r} is {last.status.replace('_', ' ')}; wait until it is over"
            raise invalid(message, "previous_response_id", code="previous_response_not_ready")
        share.add(chain.size)
        before = recalled.window(await _of_turns(chain.responses, chain.size))
        return Known(before=before, account=last.account, sticky=last.sticky or last.root), last.root

    async def _within(self, conversation: str, owner: str, share: Share, largest: int) -> Known:
        found = await self._shelf.conversation(conversation, owner)
        if found is None:
            raise Refusal(no_conversation(conversation))
        whole = await self._shelf.items(conversation, largest)
        if whole is None:
            raise Refusal(_too_long("conversation"))
        items, size = whole
        share.add(size)
        return Known(before=recalled.window(items), account=found.account, sticky=conversation)

    async def _referred(
        self, wanted: Sequence[str], known: Known, owner: str, largest: int
    ) -> tuple[dict[str, Item], int]:
        """Single items by their ids, those of responses and those of conversations, and the bytes of those found.

        Raises `Refusal` when that is more than `largest`; no more than a few responses are held beyond it.
        """
        there = {item["id"]: item for item in known.before or () if "id" in item and not recalled.is_reference(item)}
        missing = sorted(
            {ident for ident in wanted if ident not in there}, key=lambda ident: recalled.home(ident) or ident
        )
        found: dict[str, Item] = {}
        size = 0
        for start in range(0, len(missing), _SOME):
            some = await self._items(missing[start : start + _SOME], owner)
            size += sum(len(msgspec.json.encode(item)) for item in some.values())
            if size > largest:
                raise Refusal(_too_long("input"))
            found.update(some)
        every = there | found
        return {ident: every[ident] for ident in wanted if ident in every}, size

    async def _items(self, missing: Sequence[str], owner: str) -> dict[str, Item]:
        wanted = set(missing)
        homes = {home for ident in missing if (home := recalled.home(ident)) is not None}
        items: dict[str, Item] = {}
        if homes:
            for stored in (await self._shelf.some(homes, owner)).values():
                turn = (item for item in recalled.turn(stored) if item.get("id") in wanted)
                items.update((item["id"], item) for item in turn if not recalled.is_reference(item))
        rest = wanted - items.keys()
        return items | (await self._shelf.find(rest, owner) if rest else {})

    async def before(self, stored: Stored, owner: str) -> list[Item]:
        """The items that a stored response was made from: those before it, and its own. Raises `StoreError`."""
        chain = await self._shelf.chain(stored.id, owner, self._options().history)
        earlier = await _of_turns(chain.responses[:-1], chain.size)
        every = [*earlier, *stored.input]
        wanted = list(recalled.references(every))
        items, _ = await self._referred(wanted, Known(before=every), owner, self._options().history)
        return recalled.resolved(every, items)

    def stored(self, note: Note, account: str | None, created: float, settled: Settled) -> Stored:
        """An answer as it is stored."""
        return Stored(
            id=settled.ident,
            created_at=created,
            owner=note.owner,
            model=note.model,
            previous=note.previous,
            root=note.root or settled.ident,
            conversation=note.conversation,
            status=settled.status,
            input=recalled.named(note.items, settled.ident),
            response=settled.body,
            kept=settled.kept,
            account=account,
            sticky=note.sticky,
        )

    def settle(self, note: Note, account: str | None, created: float, settled: Settled) -> Kept | None:
        """Keep an answer; what will be written of it, if anything is."""
        stored = self.stored(note, account, created, settled)
        return self.keep(note, stored, keeps=note.keeps and len(settled.body) <= self._options().largest)

    def keep(self, note: Note, stored: Stored, *, keeps: bool) -> Kept | None:
        """Keep an answer, or only its turn of a conversation; what will be written of it, if anything is."""
        items: list[Item] = []
        if note.conversation is not None:
            items = [*recalled.resolved(stored.input, note.known), *recalled.output(stored)]
        if not keeps and not items:
            return None
        kept = Kept(stored=stored, keeps=keeps, items=items, size=note.size + len(stored.response))
        self._shelf.take(kept)
        return kept

    async def written(self, kept: Kept) -> None:
        """Before the end of an answer is told: where other processes need it at once, it is written now."""
        await self._shelf.written(kept)


async def _of_turns(responses: Sequence[Stored], size: int) -> list[Item]:
    if size > _OFF_LOOP:
        return await asyncio.to_thread(_turns, responses)
    return _turns(responses)


def _turns(responses: Sequence[Stored]) -> list[Item]:
    return [item for stored in responses for item in recalled.turn(stored)]


NOT_STORED = Problem(
    kind=Kind.INVALID,
    message="Nothing is stored here: the operator has turned responses.store off",
    code="unsupported_parameter",
    param="conversation",
)


def _fits_conversation(size: int, options: RecallOptions) -> None:
    if not options.store:
        raise Refusal(NOT_STORED)
    if size > options.largest:
        message = f"A turn of a conversation that is kept here takes at most {options.largest} bytes"
        raise Refusal(Problem(kind=Kind.TOO_LARGE, message=message, code="request_too_large", param="conversation"))


def _too_long(param: str) -> Problem:
    message = "What comes before this request is too long to be gone on with; begin anew with a summary of it"
    return Problem(kind=Kind.INVALID, message=message, code="conversation_too_long", param=param)
