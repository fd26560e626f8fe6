"""What an operator changes about an account: its credential, its pool, its tags. Pure."""

from collections.abc import Collection

import msgspec

from grok2api.accounts.credentials import kind_of
from grok2api.accounts.lifecycle import enabled
from grok2api.accounts.model import Account, Kind, State, moved
from grok2api.accounts.tags import tidy
from grok2api.catalog import Tier


def fits(kind: Kind, tier: Tier) -> bool:
    """Whether a credential of that kind may be in that pool: official keys in `api`, and nothing else there."""
    return (kind is Kind.API) is (tier is Tier.API)


def recredentialed(account: Account, secret: str) -> Account:
    """The account with another credential, clean already, in a pool that it fits. A fresh one ends expiry."""
    if secret == account.secret:
        return account
    account = msgspec.structs.replace(account, secret=secret, kind=kind_of(secret), user_id=None)
    if account.state in (State.EXPIRED, State.SUSPECT):
        account = enabled(account)
    if fits(account.kind, account.tier):
        return account
    return moved(account, Tier.API if account.kind is Kind.API else Tier.BASIC)


def retagged(account: Account, tags: Collection[str] = (), without: Collection[str] = ()) -> Account:
    """The account with more tags, and without some."""
    kept = (tag for tag in tidy((*account.tags, *tags)) if tag not in tidy(without))
    return msgspec.structs.replace(account, tags=tuple(kept))
