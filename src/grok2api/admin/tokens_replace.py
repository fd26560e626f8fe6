"""`POST tokens` and `PUT pool`: a pool holds what is named and nothing else, in one change that can be undone."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from grok2api.accounts.importing.entries import Entry
from grok2api.accounts.model import Account
from grok2api.accounts.query import Filter
from grok2api.admin.accounts_named import MOST_TOKENS, bounded, entries_of, sized
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts
from grok2api.admin.pools import placed
from grok2api.admin.route import Call
from grok2api.admin.tags import checked
from grok2api.admin.writing import replace
from grok2api.catalog import Tier


class Item(msgspec.Struct, frozen=True):
    """A token, or the id of an account, with the tags that the account is to have."""

    token: str
    tags: list[str] | None = None


class Pools(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each pool is to hold. A pool that is not named stays as it is; an empty list empties it."""

    basic: list[str | Item] | None = None
    super: list[str | Item] | None = None
    heavy: list[str | Item] | None = None
    api: list[str | Item] | None = None


class PoolContent(msgspec.Struct, frozen=True):
    """What one pool is to hold. `tags`, when given, are those that its accounts are to have."""

    pool: Tier
    tokens: list[str]
    tags: list[str] | None = None


class ReplacedPools(msgspec.Struct, frozen=True):
    """count: accounts that the named pools hold now. `change_id` undoes it; null when nothing had to change."""

    status: str
    count: int
    added: int
    deleted: int
    change_id: int | None


class ReplacedPool(msgspec.Struct, frozen=True):
    """count: accounts that the pool holds now. `change_id` undoes it; null when nothing had to change."""

    pool: str
    count: int
    added: int
    deleted: int
    change_id: int | None


class _Wanted(msgspec.Struct, frozen=True):
    """One named account: what its entry would be if it were new, and the tags that it is to have."""

    entry: Entry
    raw: str
    tier: Tier
    tags: tuple[str, ...] | None


class _Done(msgspec.Struct, frozen=True):
    count: int
    added: int
    deleted: int
    change_id: int | None


async def replace_tokens(parts: Parts, call: Call[None, Pools]) -> ReplacedPools:
    """New tokens are added, accounts of other pools are moved, and what is not named is deleted."""
    wanted: dict[Tier, list[_Wanted]] = {}
    for tier in Tier:
        items = getattr(call.body, tier.value)
        if items is not None:
            wanted[tier] = [one for place, item in enumerate(items) for one in _wanted(item, tier, place)]
    done = await _replaced(parts, wanted)
    return ReplacedPools("success", done.count, done.added, done.deleted, done.change_id)


async def replace_pool(parts: Parts, call: Call[None, PoolContent]) -> ReplacedPool:
    """As `POST tokens`, for one pool."""
    body = call.body
    bounded(body.tokens)
    tags = None if body.tags is None else checked(body.tags)
    entries = entries_of(body.tokens, body.pool.value, tags or ())
    raw = [token for token in body.tokens if token.strip()]
    wanted = [_Wanted(entry, token, body.pool, tags) for entry, token in zip(entries, raw, strict=True)]
    done = await _replaced(parts, {body.pool: wanted})
    return ReplacedPool(body.pool.value, done.count, done.added, done.deleted, done.change_id)


def _wanted(item: str | Item, tier: Tier, place: int) -> Sequence[_Wanted]:
    token, listed = (item, None) if isinstance(item, str) else (item.token, item.tags)
    where = f"{tier.value}.{place}"
    tags = None if listed is None else checked(listed, f"{where}.tags")
    sized(token, where)
    entries = entries_of([token], tier.value, tags or ())
    return [_Wanted(msgspec.structs.replace(entry, where=where), token, tier, tags) for entry in entries]


async def _replaced(parts: Parts, wanted: Mapping[Tier, Sequence[_Wanted]]) -> _Done:
    everything = [one for some in wanted.values() for one in some]
    if len(everything) > MOST_TOKENS:
        raise refuse("too_many_tokens", f"{len(everything)} tokens are named; {MOST_TOKENS} are possible at once")
    await parts.flush()
    here = await parts.store.find([one.raw for one in everything])
    fresh, kept = _sorted_out(everything, here)
    known = {account.id: account for account in await parts.store.get(kept)}
    now = parts.now()
    members = [ident for tier in wanted for ident in await parts.store.match(Filter(pool=tier), now)]
    gone = [ident for ident in members if ident not in kept]
    changed = {
        ident: _how(one) for ident, one in kept.items() if ident in known and _how(one)(known[ident]) != known[ident]
    }
    if fresh or changed or gone:
        accounts = [one.entry.account(parts.new_id(), now + 1e-6 * place) for place, one in enumerate(fresh)]
        done = await replace(parts, accounts, changed, gone, "replace", ", ".join(tier.value for tier in wanted))
        return _Done(len(fresh) + len(kept), len(done.added), len(gone), done.change_id)
    return _Done(len(kept), 0, 0, None)


def _sorted_out(everything: Sequence[_Wanted], here: Mapping[str, str]) -> tuple[list[_Wanted], dict[str, _Wanted]]:
    """Those that are new, and by id those that are here. Raises `Refusal` for what is no token, or is named twice."""
    fresh: dict[str, _Wanted] = {}
    kept: dict[str, _Wanted] = {}
    for one in everything:
        ident = here.get(one.raw)
        if ident is None and one.entry.error:
            raise refuse("invalid_value", f"{one.entry.where} {one.entry.error}", one.entry.where)
        found, key = (fresh, one.entry.secret) if ident is None else (kept, ident)
        before = found.setdefault(key, one)
        if before.tier is not one.tier:
            raise refuse("invalid_value", f"{one.entry.where} is named in two pools", one.entry.where)
    return list(fresh.values()), kept


def _how(one: _Wanted) -> Callable[[Account], Account]:
    return partial(_placed, tier=one.tier, tags=one.tags)


def _placed(account: Account, *, tier: Tier, tags: tuple[str, ...] | None) -> Account:
    account = placed(account, tier)
    return account if tags is None else msgspec.structs.replace(account, tags=tags)


async def replace_pool_too(parts: Parts, call: Call[None, PoolContent]) -> ReplacedPool:
    """As `PUT pool`; older programs call it so."""
    return await replace_pool(parts, call)
