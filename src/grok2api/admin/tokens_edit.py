"""`PUT tokens/edit`: give an account a fresh token, another pool, or other tags; everything else stays."""

import msgspec

from grok2api.accounts.credentials import CredentialError, clean, kind_of
from grok2api.accounts.editing import fits, recredentialed
from grok2api.accounts.model import Account, moved
from grok2api.admin.accounts_named import sized, the_one
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.admin.tags import checked
from grok2api.admin.writing import change
from grok2api.catalog import Tier


class Edit(msgspec.Struct, frozen=True):
    """old_token: the account, by token or id. What is left out stays as it is."""

    old_token: str
    token: str | None = None
    pool: Tier | None = None
    tags: list[str] | None = None


class Edited(msgspec.Struct, frozen=True):
    """As it is now. `change_id` undoes it."""

    status: str
    id: str
    token: str
    pool: str
    change_id: int | None


async def edit_token(parts: Parts, call: Call[None, Edit]) -> Edited:
    """Tags, counters and quota stay with the account. A fresh token ends expiry."""
    body = call.body
    ident = await the_one(parts, body.old_token, "old_token")
    secret = None if body.token in (None, ident) else _secret(body.token or "")
    tags = None if body.tags is None else checked(body.tags)
    await _see_that_it_fits(parts, ident, secret, body.pool)
    if secret is not None and (await parts.store.find([secret])).get(secret, ident) != ident:
        raise refuse("token_conflict", "Another account has this token already", "token")
    done = await change(parts, [ident], lambda account: _edited(account, secret, body.pool, tags), "edit")
    account = done.accounts[0]
    return Edited("success", account.id, body.token or body.old_token, account.tier.value, done.change_id)


async def _see_that_it_fits(parts: Parts, ident: str, secret: str | None, pool: Tier | None) -> None:
    if pool is None:
        return
    kind = kind_of(secret) if secret is not None else (await parts.store.get([ident]))[0].kind
    if not fits(kind, pool):
        raise refuse("invalid_pool", "An official key (xai-…) belongs to the pool api, and nothing else does", "pool")


def _secret(token: str) -> str:
    sized(token, "token")
    try:
        return clean(token)
    except CredentialError as error:
        raise refuse("invalid_value", f"token: {error}", "token") from None


def _edited(account: Account, secret: str | None, pool: Tier | None, tags: tuple[str, ...] | None) -> Account:
    if secret is not None:
        account = recredentialed(account, secret)
    if pool is not None:
        account = moved(account, pool)
    return account if tags is None else msgspec.structs.replace(account, tags=tags)
