"""`GET tokens`: accounts page by page, filtered, sorted, with the values that serving has changed since."""

from enum import StrEnum
from typing import Annotated

import msgspec

from grok2api.accounts.model import Account, current
from grok2api.accounts.query import Filter, Order, Page, SortKey
from grok2api.accounts.sync import merged
from grok2api.admin.filters import OfStatus, Pool, Tag, Text
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.admin.rows import Row, row

#: A longer text may be a whole token; then the account that has it is meant.
_LIKE_A_TOKEN = 20


class Direction(StrEnum):
    """Which end comes first."""

    ASC = "asc"
    DESC = "desc"


class ListQuery(msgspec.Struct, frozen=True):
    """Which accounts, and which of them."""

    page: Annotated[int, msgspec.Meta(ge=1, le=10_000_000, description="The first page is 1.")] = 1
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000, description="Accounts on a page.")] = 50
    pool: Pool = None
    status: OfStatus = None
    tag: Tag = None
    q: Text = ""
    sort: Annotated[SortKey, msgspec.Meta(description="What to sort by.")] = SortKey.CREATED
    order: Annotated[Direction, msgspec.Meta(description="Which end comes first.")] = Direction.ASC
    mask: Annotated[bool, msgspec.Meta(description="Mask the tokens.")] = False


class Pagination(msgspec.Struct, frozen=True):
    """Where this page is in the list."""

    page: int
    page_size: int
    total: int
    total_pages: int
    has_more: bool


class Listed(msgspec.Struct, frozen=True):
    """One page."""

    tokens: list[Row]
    pagination: Pagination


async def list_tokens(parts: Parts, call: Call[ListQuery, None]) -> Listed:
    """Sessions and official keys, the oldest first unless asked otherwise."""
    query, now = call.query, parts.now()
    found = await _found(parts, query, now)
    pages = -(-found.total // query.page_size)
    return Listed(
        [shown(parts, account, now, masked=query.mask) for account in found.accounts],
        Pagination(query.page, query.page_size, found.total, pages, query.page < pages),
    )


async def _found(parts: Parts, query: ListQuery, now: float) -> Page:
    chosen = Filter(pool=query.pool, status=query.status, tag=query.tag, text=query.q)
    await parts.flush()
    if len(query.q) > _LIKE_A_TOKEN and (ident := (await parts.store.find([query.q])).get(query.q)):
        chosen = msgspec.structs.replace(chosen, text=ident)
    order = Order(query.sort, query.order is Direction.DESC)
    return await parts.store.page(chosen, order, (query.page - 1) * query.page_size, query.page_size, now)


def shown(parts: Parts, stored: Account, now: float, *, masked: bool) -> Row:
    """The row of a stored account, with what memory knows better laid over it."""
    known = parts.pool.get(stored.id)
    account = stored if known is None else merged(known, stored)
    return row(current(account, now), parts.pool.in_flight(stored.id), now, masked=masked)
