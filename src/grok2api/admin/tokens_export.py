"""`GET tokens/export`: accounts as a file, while they are read; with their tokens only where that is asked for."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from typing import Annotated

import msgspec

from grok2api.accounts.exporting import Form, writer
from grok2api.accounts.model import Account
from grok2api.accounts.query import Filter
from grok2api.admin.filters import Chosen, OfStatus, Pool, Tag, Text
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call, Pieces
from grok2api.catalog import Tier

#: Accounts in one piece.
_PIECE = 200

_KINDS: Mapping[Form, str] = {
    Form.TEXT: "text/plain; charset=utf-8",
    Form.CSV: "text/csv; charset=utf-8",
    Form.JSON: "application/json",
    Form.JSONL: "application/x-ndjson",
}
_ENDINGS: Mapping[Form, str] = {Form.TEXT: "txt", Form.CSV: "csv", Form.JSON: "json", Form.JSONL: "jsonl"}


class ExportQuery(msgspec.Struct, frozen=True):
    """Which accounts, and how they are written."""

    format: Annotated[Form, msgspec.Meta(description="How they are written.")] = Form.JSON
    secrets: Annotated[bool, msgspec.Meta(description="With the tokens; a masked file cannot be imported.")] = False
    pool: Pool = None
    status: OfStatus = None
    tag: Tag = None
    q: Text = ""


async def export_tokens(parts: Parts, call: Call[ExportQuery, None]) -> Pieces:
    """What is exported with its tokens can be imported again with nothing lost, except as text."""
    query = call.query
    await parts.flush()
    chosen = Chosen(query.pool, query.status, query.tag, query.q).filter()
    name = f"accounts.{_ENDINGS[query.format]}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Pieces(_pieces(parts, chosen, query), _KINDS[query.format], headers)


async def _pieces(parts: Parts, chosen: Filter, query: ExportQuery) -> AsyncGenerator[bytes, None]:
    """The file, as it is read."""
    file = writer(query.format, secrets=query.secrets)
    text = file.begin()
    for which in _by_pool(chosen) if query.format is Form.JSON else (chosen,):
        async for some in _some(parts, which):
            yield (text + "".join(file.some(some))).encode()
            text = ""
    yield (text + file.end()).encode()


def _by_pool(chosen: Filter) -> Iterator[Filter]:
    """JSON wants the accounts of a pool one after the other; asked for pool by pool, none of them has to be held."""
    return (msgspec.structs.replace(chosen, pool=tier) for tier in Tier if chosen.pool in (None, tier))


async def _some(parts: Parts, chosen: Filter) -> AsyncIterator[list[Account]]:
    found: list[Account] = []
    async for account in parts.store.iterate(chosen, parts.now()):
        found.append(account)
        if len(found) == _PIECE:
            yield found
            found = []
    if found:
        yield found
