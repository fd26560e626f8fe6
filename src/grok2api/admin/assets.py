"""`assets`: the files that accounts keep at grok.com. `batch/cache-clear` deletes those of many accounts."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from grok2api.accounts.credentials import mask
from grok2api.accounts.model import Account, Kind
from grok2api.accounts.query import Filter, Status
from grok2api.admin.accounts_named import the_one
from grok2api.admin.codes import refuse
from grok2api.admin.parts import HeldFile, Parts
from grok2api.admin.route import Call
from grok2api.admin.tokens_list import Pagination
from grok2api.canonical.problem import Refusal
from grok2api.transport.tasks import together

#: Accounts that may serve, now or later.
_MANAGEABLE = (Status.ACTIVE, Status.COOLING, Status.SUSPECT)
_LONGEST_ID = 256


class AssetsQuery(msgspec.Struct, frozen=True):
    """Which accounts' files."""

    page: Annotated[int, msgspec.Meta(ge=1, le=10_000_000, description="The first page is 1.")] = 1
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000, description="Accounts on a page.")] = 50
    mask: Annotated[bool, msgspec.Meta(description="Mask the tokens.")] = False


class AssetRow(msgspec.Struct, frozen=True):
    """One file. `created_at` is in grok.com's own words, and `size`, in bytes, is 0 where it does not say."""

    id: str
    name: str
    file_path: str
    content_type: str
    size: int
    created_at: str


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """An account and its files. error: why they could not be listed."""

    id: str
    token: str
    masked: str
    count: int = 0
    assets: tuple[AssetRow, ...] = ()
    error: str | None = None


class AssetList(msgspec.Struct, frozen=True):
    """The files of a page of accounts."""

    tokens: list[Holder]
    total_assets: int
    pagination: Pagination


class AssetToDelete(msgspec.Struct, frozen=True):
    """A file of an account, by the account's token or id."""

    token: str
    asset_id: str


class OneToken(msgspec.Struct, frozen=True):
    """An account, by token or id."""

    token: str


class Done(msgspec.Struct, frozen=True):
    """It is done."""

    status: str = "success"


class Cleared(msgspec.Struct, frozen=True):
    """How many files were deleted."""

    deleted: int
    status: str = "success"


async def list_assets(parts: Parts, call: Call[AssetsQuery, None]) -> AssetList:
    """Sessions that may serve, some at a time. What goes wrong for one account is said beside it."""
    query = call.query
    accounts = await _sessions(parts)
    start = (query.page - 1) * query.page_size
    chosen = accounts[start : start + query.page_size]
    at_once = parts.configured.live.current.batch.asset_list_concurrency
    found = await together((_holder(parts, one, masked=query.mask) for one in chosen), "list assets", at_once)
    pages = -(-len(accounts) // query.page_size)
    pagination = Pagination(query.page, query.page_size, len(accounts), pages, query.page < pages)
    return AssetList(found, sum(holder.count for holder in found), pagination)


async def delete_asset(parts: Parts, call: Call[None, AssetToDelete]) -> Done:
    """One that is not there any more counts as deleted."""
    asset_id = call.body.asset_id
    if not asset_id.strip() or len(asset_id) > _LONGEST_ID:
        raise refuse("invalid_value", "asset_id must be the id of a file", "asset_id")
    ident = await the_one(parts, call.body.token, "token")
    try:
        await parts.holdings.delete(ident, asset_id)
    except Refusal as refusal:
        raise _upstream(refusal) from None
    return Done()


async def clear_assets(parts: Parts, call: Call[None, OneToken]) -> Cleared:
    """All pages of them."""
    ident = await the_one(parts, call.body.token, "token")
    try:
        return Cleared(await parts.holdings.clear(ident))
    except Refusal as refusal:
        raise _upstream(refusal) from None


def _upstream(refusal: Refusal) -> Refusal:
    return refuse("upstream_error", refusal.problem.message)


async def _sessions(parts: Parts) -> Sequence[Account]:
    """The oldest first."""
    ids = [ident for status in _MANAGEABLE for ident in await parts.store.match(Filter(status=status), parts.now())]
    found = [account for ident in ids if (account := parts.pool.get(ident)) is not None]
    return sorted((one for one in found if one.kind is Kind.WEB), key=lambda one: (one.created_at, one.id))


async def _holder(parts: Parts, account: Account, *, masked: bool) -> Holder:
    token = mask(account.secret)
    shown = token if masked else account.secret
    try:
        files = await parts.holdings.list(account.id)
    except Refusal as refusal:
        return Holder(id=account.id, token=shown, masked=token, error=refusal.problem.message)
    return Holder(id=account.id, token=shown, masked=token, count=len(files), assets=tuple(map(_row, files)))


def _row(file: HeldFile) -> AssetRow:
    return AssetRow(file.id, file.name, file.path, file.mime, file.size, file.created_at)
