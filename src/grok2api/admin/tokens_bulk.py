"""`POST tokens/bulk`: one change for every account that fits a filter, or for those that are named.

A change by filter says first what it would do: with `preview` it answers the number of accounts and some of them.
Without it the caller says the number that he has seen. More than that, but for one in a hundred, are not changed: the
filter would do what nobody has looked at. Fewer are.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from grok2api.accounts.credentials import mask
from grok2api.accounts.lifecycle import disabled, enabled
from grok2api.accounts.model import Account
from grok2api.accounts.query import Filter, Order, status
from grok2api.admin.accounts_named import named
from grok2api.admin.codes import refuse
from grok2api.admin.filters import Chosen
from grok2api.admin.parts import Parts
from grok2api.admin.pools import placed
from grok2api.admin.route import Call
from grok2api.admin.tags import checked
from grok2api.admin.writing import change, remove
from grok2api.catalog import Tier

_SAMPLE = 10


class Action(StrEnum):
    """What is done to each account."""

    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"
    MOVE = "move"
    TAG = "tag"
    UNTAG = "untag"


class Bulk(msgspec.Struct, frozen=True):
    """Either `filter` or `tokens` says which accounts. `pool` is for `move`, `tags` for `tag` and `untag`, `reason` for
    `disable`. expect: how many accounts the filter fits, as a preview said.
    """

    action: Action
    filter: Chosen | None = None
    tokens: list[str] | None = None
    pool: Tier | None = None
    tags: list[str] = []
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    preview: bool = False
    expect: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] | None = None


class Sample(msgspec.Struct, frozen=True):
    """One of the accounts; its token is masked."""

    id: str
    token: str
    pool: str
    status: str
    tags: tuple[str, ...]


class BulkDone(msgspec.Struct, frozen=True):
    """count: accounts that fit, or were changed. sample: some of them, in a preview. `change_id` undoes the change."""

    status: str
    count: int
    sample: tuple[Sample, ...]
    change_id: int | None


async def bulk_tokens(parts: Parts, call: Call[None, Bulk]) -> BulkDone:
    """First with `preview`, then with the number that it said as `expect`. A change can be undone for a day."""
    body = call.body
    how = _HOW[body.action](body)
    if (body.filter is None) is (body.tokens is None):
        raise refuse("invalid_value", "Either filter or tokens says which accounts are meant", "filter")
    if body.filter is not None:
        await parts.flush()
        which = body.filter.filter()
        if body.preview:
            return await _preview(parts, which)
        ids = await _expected(parts, which, body.expect)
    else:
        ids = list((await named(parts, body.tokens or [])).ids)
        if body.preview:
            found = await parts.store.get(ids[:_SAMPLE])
            return BulkDone("preview", len(ids), tuple(_sample(parts, account) for account in found), None)
    detail = "named" if body.filter is None else body.filter.words()
    if how is None:
        gone = await remove(parts, ids, f"bulk {body.action}", detail)
        return BulkDone("success", gone.count, (), gone.change_id)
    done = await change(parts, ids, how, f"bulk {body.action}", detail)
    return BulkDone("success", len(done.accounts), (), done.change_id)


async def _preview(parts: Parts, which: Filter) -> BulkDone:
    page = await parts.store.page(which, Order(), 0, _SAMPLE, parts.now())
    return BulkDone("preview", page.total, tuple(_sample(parts, account) for account in page.accounts), None)


async def _expected(parts: Parts, which: Filter, expect: int | None) -> list[str]:
    """The accounts that fit, if they are not more than the caller has seen."""
    if expect is None:
        raise refuse("missing_required_parameter", "expect is required: the count that a preview said", "expect")
    ids = await parts.store.match(which, parts.now())
    if len(ids) > expect + expect // 100:
        message = f"The filter fits {len(ids)} accounts now, not {expect}; look at a preview again"
        raise refuse("count_changed", message, "expect")
    return ids


def _sample(parts: Parts, account: Account) -> Sample:
    word = status(account, parts.now()).value
    return Sample(account.id, mask(account.secret), account.tier.value, word, account.tags)


How = Callable[[Account], Account]


def _enable(body: Bulk) -> How:
    return enabled


def _disable(body: Bulk) -> How:
    reason = body.reason.strip() or "by the operator"
    return lambda account: disabled(account, reason)


def _delete(body: Bulk) -> None:
    return None


def _move(body: Bulk) -> How:
    if body.pool is None:
        raise refuse("missing_required_parameter", "pool is required: where the accounts go", "pool")
    tier = body.pool
    return lambda account: placed(account, tier)


def _tag(body: Bulk) -> How:
    tags = _some(body)
    return lambda account: msgspec.structs.replace(account, tags=tuple(dict.fromkeys((*account.tags, *tags))))


def _untag(body: Bulk) -> How:
    tags = _some(body)
    return lambda account: msgspec.structs.replace(account, tags=tuple(tag for tag in account.tags if tag not in tags))


def _some(body: Bulk) -> tuple[str, ...]:
    tags = checked(body.tags)
    if not tags:
        raise refuse("missing_required_parameter", "tags is required: at least one tag", "tags")
    return tags


#: What each action does to an account; None deletes it.
_HOW: Mapping[Action, Callable[[Bulk], How | None]] = {
    Action.ENABLE: _enable,
    Action.DISABLE: _disable,
    Action.DELETE: _delete,
    Action.MOVE: _move,
    Action.TAG: _tag,
    Action.UNTAG: _untag,
}
