"""`POST tokens/add`: new accounts, each once; with the pool `auto` their tier is asked for before the answer."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from grok2api.accounts.credentials import mask
from grok2api.accounts.importing.entries import AUTO, Entry
from grok2api.accounts.model import Account
from grok2api.admin.accounts_named import bounded, entries_of
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.admin.tags import checked
from grok2api.admin.tasks import Work
from grok2api.admin.writing import add
from grok2api.transport.tasks import spawn

#: How long an answer waits for the first quotas; they are asked for until all are known, whatever it says.
LOOK_SEC = 15.0


class Where(StrEnum):
    """Where new accounts go; `auto` tells by the credential and by the first quota."""

    AUTO = AUTO
    BASIC = "basic"
    SUPER = "super"
    HEAVY = "heavy"
    API = "api"


class Add(msgspec.Struct, frozen=True):
    """Session tokens and official keys, as they were copied."""

    tokens: list[str]
    pool: Where = Where.AUTO
    tags: list[str] = []


class Fresh(msgspec.Struct, frozen=True):
    """A new account; its token is masked."""

    id: str
    token: str
    pool: str


class AddedTokens(msgspec.Struct, frozen=True):
    """count: new accounts. skipped: here already. restored: of the new ones, those that had been deleted. invalid: the
    places of what is no token. synced: whether the first quotas of all new accounts are known. `change_id` undoes it.
    """

    status: str
    count: int
    skipped: int
    synced: bool
    restored: int
    invalid: tuple[str, ...]
    accounts: tuple[Fresh, ...]
    change_id: int | None


async def add_tokens(parts: Parts, call: Call[None, Add]) -> AddedTokens:
    """What is no token is left out, unless nothing is one. Accounts that had been deleted come back."""
    body, now = call.body, parts.now()
    bounded(body.tokens)
    entries = entries_of(body.tokens, body.pool.value, checked(body.tags))
    good = _good(entries)
    fresh = [entry.account(parts.new_id(), now + 1e-6 * place) for place, entry in enumerate(good)]
    done = await add(parts, fresh, "add", f"pool {body.pool.value}")
    synced = body.pool is Where.AUTO and bool(done.added) and await _asked(parts, [one.id for one in done.added])
    return AddedTokens(
        status="success",
        count=len(done.added),
        skipped=len(done.known),
        synced=synced,
        restored=len(done.restored),
        invalid=tuple(entry.where for entry in entries if entry.error),
        accounts=tuple(_fresh(parts.pool.get(account.id) or account) for account in done.added),
        change_id=done.change_id,
    )


def _good(entries: Sequence[Entry]) -> list[Entry]:
    """The entries that are tokens, each once. Raises `Refusal` when none is."""
    good = {entry.secret: entry for entry in entries if not entry.error}
    if not good:
        reason = f": {entries[0].where} {entries[0].error}" if entries else ""
        raise refuse("invalid_value", f"tokens holds no valid token{reason}", "tokens")
    return list(good.values())


async def _asked(parts: Parts, ids: Sequence[str]) -> bool:
    """Ask for the quotas of new accounts, and wait for them; whether all were told in time."""
    work = Work(len(ids), parts.refresh(ids, parts.configured.live.current.batch.refresh_concurrency))
    await asyncio.wait([spawn(work.run(), "first quotas")], timeout=LOOK_SEC)
    return work.ok == len(ids)


def _fresh(account: Account) -> Fresh:
    return Fresh(account.id, mask(account.secret), account.tier.value)
