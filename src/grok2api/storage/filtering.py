"""`accounts.query` in SQL: the same meaning, answered by the database. Pure: nothing is executed here.

Every value is a bound parameter, and in a search no character is a wildcard. A test holds this against
`Filter.matches` on every engine.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression, and_, case, false, select

from grok2api.accounts.model import State
from grok2api.accounts.query import Filter, Order, SortKey, Status
from grok2api.accounts.tags import tidy
from grok2api.catalog import Tier
from grok2api.storage.reading import ALIVE
from grok2api.storage.rows import SEPARATOR, text
from grok2api.storage.tables import accounts, tags

#: Longer texts are in no account; databases limit the length of a pattern.
_LONGEST_TEXT = 4000


def wanted(which: Filter, now: float) -> list[ColumnElement[bool]]:
    """The conditions for the accounts that are meant; those that were removed never are."""
    return [ALIVE, *_conditions(which, now)]


def _conditions(which: Filter, now: float) -> Iterator[ColumnElement[bool]]:
    if which.pool is not None:
        yield accounts.c.tier == which.pool.value
    if which.status is not None:
        yield _is(which.status, now)
    if which.tag is not None:
        yield _tagged(which.tag)
    if which.text:
        yield _says(which.text)


def _is(status: Status, now: float) -> ColumnElement[bool]:
    match status:
        case Status.ACTIVE:
            return and_(accounts.c.state == State.ACTIVE.value, accounts.c.cooling_until <= now)
        case Status.COOLING:
            return and_(accounts.c.state == State.ACTIVE.value, accounts.c.cooling_until > now)
        case _:
            return accounts.c.state == status.value


def _tagged(tag: str) -> ColumnElement[bool]:
    # A database may ignore blanks at the end; no tag that is kept has any.
    return accounts.c.id.in_(select(tags.c.account_id).where(tags.c.tag == tag)) if tidy([tag]) == (tag,) else false()


def _says(words: str) -> ColumnElement[bool]:
    if words != text(words) or SEPARATOR in words or len(words) > _LONGEST_TEXT:
        return false()
    return accounts.c.searched.contains(words.casefold(), autoescape=True)


def sorting(order: Order, now: float, *, nulls_are_large: bool) -> list[ColumnElement[Any]]:
    """What to sort by. `nulls_are_large`: the database sorts what is absent last; here it comes before everything."""
    keys: list[ColumnElement[Any]] = [*_key(order.by, now), accounts.c.created_at, accounts.c.id]
    if order.by is SortKey.LAST_USED and nulls_are_large:
        return [_absent_first(keys[0], descending=order.descending), *_directed(keys[1:], order)]
    return _directed(keys, order)


def _key(by: SortKey, now: float) -> Iterator[ColumnElement[Any]]:
    match by:
        case SortKey.CREATED:
            return
        case SortKey.LAST_USED | SortKey.USES | SortKey.FAILURES | SortKey.HEALTH:
            yield accounts.c[by.value]
        case SortKey.POOL:
            yield case(*((accounts.c.tier == tier.value, place) for place, tier in enumerate(Tier)), else_=len(Tier))
        case SortKey.STATUS:
            yield case(*((_is(status, now), place) for place, status in enumerate(Status)), else_=len(Status))


def _directed(keys: Sequence[ColumnElement[Any]], order: Order) -> list[ColumnElement[Any]]:
    return [key.desc() if order.descending else key.asc() for key in keys]


def _absent_first(key: ColumnElement[Any], *, descending: bool) -> UnaryExpression[Any]:
    return key.desc().nulls_last() if descending else key.asc().nulls_first()
