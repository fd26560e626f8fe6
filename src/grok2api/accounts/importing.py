"""Accounts as people bring them: plain lines, JSON lines, or JSON by pool. Pure.

Understood: one credential a line (`#` begins a comment); a JSON object `{"basic": ["T1", {"token": "T2", "tags":
["x"]}]}`; a JSON array of such entries; one such entry a line. An entry may name its `pool`. One bad entry does
not spoil the others: it comes out with its error.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from grok2api.accounts.credentials import CredentialError, clean, kind_of
from grok2api.accounts.model import Account, Kind, new_account
from grok2api.catalog import Tier

#: No tier named: an official key is `api`, a session is taken for `basic` until grok.com has told its quotas.
AUTO = "auto"


class Entry(msgspec.Struct, frozen=True):
    """One credential, clean, or the `error` that kept it from being one. `where` is its place in the input.

    tier: `None` for a session whose tier nobody named.
    """

    where: str
    secret: str = ""
    tier: Tier | None = None
    tags: tuple[str, ...] = ()
    error: str = ""

    def __repr__(self) -> str:
        return f"Entry({self.where})"

    def account(self, ident: str, now: float) -> Account:
        """The new account of this entry."""
        return new_account(ident, self.secret, kind_of(self.secret), self.tier, now, tags=self.tags)


def parse(text: str, pool: str = AUTO, tags: tuple[str, ...] = ()) -> list[Entry]:
    """Every entry of `text`; `pool` and `tags` are for those that name none themselves."""
    return [_entry(where, item, own_pool or pool, tags) for where, item, own_pool in _items(text)]


def entry(where: str, raw: str, pool: str = AUTO, tags: tuple[str, ...] = ()) -> Entry:
    """The entry of one credential."""
    return _entry(where, raw, pool, tags)


def _items(text: str) -> Iterator[tuple[str, object, str]]:
    """Place, entry and pool of everything in `text`."""
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped[:1] in ("{", "["):
        try:
            whole = msgspec.json.decode(stripped)
        except msgspec.DecodeError:
            pass
        else:
            yield from _of_json(whole)
            return
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip().lstrip("\ufeff")
        if line and not line.startswith("#"):
            yield f"line {number}", _of_line(line), ""


def _of_line(line: str) -> object:
    if line[:1] not in ("{", '"'):
        return line
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None


def _of_json(whole: object) -> Iterator[tuple[str, object, str]]:
    if isinstance(whole, Mapping) and "token" not in whole:
        for pool, items in whole.items():
            listed = items if isinstance(items, list) else [items]
            yield from ((f"{pool}[{index}]", item, str(pool)) for index, item in enumerate(listed))
        return
    items = whole if isinstance(whole, list) else [whole]
    yield from ((f"[{index}]", item, "") for index, item in enumerate(items))


def _entry(where: str, item: object, pool: str, tags: tuple[str, ...]) -> Entry:
    raw, pool, tags = _fields(item, pool, tags)
    if raw is None:
        return Entry(where, error="is neither a credential nor an object with a token")
    try:
        secret = clean(raw)
        return Entry(where, secret, _tier(secret, pool), tags)
    except CredentialError as error:
        return Entry(where, error=str(error))


def _fields(item: object, pool: str, tags: tuple[str, ...]) -> tuple[str | None, str, tuple[str, ...]]:
    if isinstance(item, str):
        return item, pool, tags
    if not isinstance(item, Mapping) or not isinstance(item.get("token"), str):
        return None, pool, tags
    own: Any = item.get("tags")
    mine = tuple(str(tag) for tag in own) if isinstance(own, Iterable) and not isinstance(own, str) else ()
    return item["token"], str(item.get("pool") or pool), tuple(dict.fromkeys((*tags, *mine)))


def _tier(secret: str, pool: str) -> Tier | None:
    official = kind_of(secret) is Kind.API
    if pool == AUTO:
        return Tier.API if official else None
    if pool not in tuple(Tier):
        raise CredentialError(f"the pool is none of auto, {', '.join(Tier)}")
    if official != (pool == Tier.API):
        raise CredentialError("an official key (xai-…) belongs to the pool api, and nothing else does")
    return Tier(pool)
