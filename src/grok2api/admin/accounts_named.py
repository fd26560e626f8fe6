"""The accounts that a request names, by token or by id."""

from collections.abc import Sequence

import msgspec

from grok2api.accounts.credentials import MAX_LENGTH
from grok2api.accounts.importing.entries import Entry, entry
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts

#: Tokens that one call may name; `tokens/import` takes any number, piece by piece.
MOST_TOKENS = 10_000

#: What the ids of accounts begin with, and no token does.
ID_PREFIX = "acc_"


class Named(msgspec.Struct, frozen=True):
    """Account ids, each once, and the places in the request (`tokens.3`) that name no account."""

    ids: Sequence[str]
    unknown: Sequence[str]


def bounded(tokens: Sequence[str], at: str = "tokens") -> None:
    """Refuse lists and tokens that are too long."""
    if len(tokens) > MOST_TOKENS:
        raise refuse("too_many_tokens", f"{at} names {len(tokens)} tokens; {MOST_TOKENS} are possible at once", at)
    for place, token in enumerate(tokens):
        sized(token, f"{at}.{place}")


def sized(token: str, at: str) -> None:
    """Refuse a token that is too long."""
    if len(token) > MAX_LENGTH:
        raise refuse("token_too_long", f"{at} is longer than {MAX_LENGTH} characters", at)


def entries_of(tokens: Sequence[str], pool: str, tags: tuple[str, ...], at: str = "tokens") -> list[Entry]:
    """What `tokens` hold for new accounts, blank ones left out; what is no token comes out with its error."""
    return [
        Entry(f"{at}.{place}", error="is the id of an account that is not here")
        if token.strip().startswith(ID_PREFIX)
        else entry(f"{at}.{place}", token, pool, tags)
        for place, token in enumerate(tokens)
        if token.strip()
    ]


async def named(parts: Parts, tokens: Sequence[str], at: str = "tokens") -> Named:
    """The accounts that `tokens` name. Raises `Refusal` when none does."""
    bounded(tokens, at)
    if not tokens:
        raise refuse("invalid_value", f"{at} must name at least one account", at)
    found = await parts.store.find(tokens)
    if not found:
        raise refuse("account_not_found", "None of these tokens or ids is an account's", at)
    unknown = [f"{at}.{place}" for place, token in enumerate(tokens) if token not in found]
    return Named(list(dict.fromkeys(found[token] for token in tokens if token in found)), unknown)


async def the_one(parts: Parts, token: str, at: str) -> str:
    """The id of the account that `token` names. Raises `Refusal`."""
    if not token.strip():
        raise refuse("invalid_value", f"{at} must be a token or the id of an account", at)
    sized(token, at)
    found = await parts.store.find([token])
    if token not in found:
        raise refuse("account_not_found", "No account has this token or id", at)
    return found[token]
