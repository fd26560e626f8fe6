"""Moving accounts between pools, as far as they may be there. Pure."""

from grok2api.accounts.editing import fits
from grok2api.accounts.model import Account, moved
from grok2api.catalog import Tier


def placed(account: Account, tier: Tier) -> Account:
    """The account in that pool, if it may be there; else as it was."""
    return moved(account, tier) if fits(account.kind, tier) else account
