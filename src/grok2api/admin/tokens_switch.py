"""`POST tokens/disabled` and its batch: take accounts out, or let them work again."""

from collections.abc import Sequence

import msgspec

from grok2api.accounts.lifecycle import disabled, enabled
from grok2api.admin.accounts_named import named, the_one
from grok2api.admin.parts import Changed, Parts
from grok2api.admin.route import Call
from grok2api.admin.tasks import Summary
from grok2api.admin.writing import change


class Switch(msgspec.Struct, frozen=True):
    """One account, by token or id."""

    token: str
    disabled: bool


class Switched(msgspec.Struct, frozen=True):
    """As it is now."""

    status: str
    token: str
    disabled: bool


class SwitchMany(msgspec.Struct, frozen=True):
    """Several accounts, by token or id."""

    tokens: list[str]
    disabled: bool


class SwitchedMany(msgspec.Struct, frozen=True):
    """How many were found and switched. `change_id` undoes it."""

    status: str
    disabled: bool
    summary: Summary
    change_id: int | None


async def switch_token(parts: Parts, call: Call[None, Switch]) -> Switched:
    """Enabling also forgets failures, rests and expiry. What a disabled account is answering goes on."""
    ident = await the_one(parts, call.body.token, "token")
    await _switch(parts, [ident], disable=call.body.disabled)
    return Switched("success", call.body.token, call.body.disabled)


async def switch_tokens(parts: Parts, call: Call[None, SwitchMany]) -> SwitchedMany:
    """As `POST tokens/disabled`, for many in one change."""
    meant = await named(parts, call.body.tokens)
    done = await _switch(parts, meant.ids, disable=call.body.disabled)
    total = len(meant.ids) + len(meant.unknown)
    summary = Summary(total, len(done.accounts), total - len(done.accounts))
    return SwitchedMany("success", call.body.disabled, summary, done.change_id)


async def _switch(parts: Parts, ids: Sequence[str], *, disable: bool) -> Changed:
    return await change(parts, ids, disabled if disable else enabled, "disable" if disable else "enable")
