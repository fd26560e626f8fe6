"""`GET tokens/export`: accounts as a file, while they are read; with their tokens only where that is asked for."""

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Annotated

import msgspec

from grok2api.accounts.exporting import Form, written
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
    pieces = _WRITERS[query.format](parts, chosen, query)
    name = f"accounts.{_ENDINGS[query.format]}"
    return Pieces(pieces, _KINDS[query.format], {"content-disposition": f'attachment; filename="{name}"'})


async def _lines(parts: Parts, chosen: Filter, query: ExportQuery) -> AsyncGenerator[bytes, None]:
    """Forms whose lines stand alone. A table's head is written once."""
    heads = 1 if query.format is Form.CSV else 0
    first = True
    async for some in _some(parts, chosen):
        texts = written(some, query.format, secrets=query.secrets)
        yield "".join(texts if first else itertools.islice(texts, heads, None)).encode()
        first = False
    if first and heads:
        yield "".join(written((), query.format)).encode()


async def _by_pool(parts: Parts, chosen: Filter, query: ExportQuery) -> AsyncGenerator[bytes, None]:
    """JSON by pool, a pool at a time, so that none of them has to be held."""
    before = b"{"
    for tier in Tier:
        if chosen.pool not in (None, tier):
            continue
        mark = b"["
        async for some in _some(parts, msgspec.structs.replace(chosen, pool=tier)):
            if mark == b"[":
                yield before + b'\n"' + tier.value.encode() + b'": '
                before = b","
            told = (line.rstrip("\n") for line in written(some, Form.JSONL, secrets=query.secrets))
            lines = [line for line in told if line]
            yield mark + b"\n  " + ",\n  ".join(lines).encode()
            mark = b","
        if mark == b",":
            yield b"\n]"
    yield b"{\n}\n" if before == b"{" else b"\n}\n"


async def _some(parts: Parts, chosen: Filter) -> AsyncIterator[list[Account]]:
    found: list[Account] = []
    async for account in parts.store.iterate(chosen, parts.now()):
        found.append(account)
        if len(found) == _PIECE:
            yield found
            found = []
    if found:
        yield found


Writer = Callable[[Parts, Filter, ExportQuery], AsyncGenerator[bytes, None]]

_WRITERS: Mapping[Form, Writer] = {Form.TEXT: _lines, Form.CSV: _lines, Form.JSON: _by_pool, Form.JSONL: _lines}
