"""Which pool an account may be in: official keys in `api`, and nothing else there. Pure."""

from grok2api.accounts.model import Account, Kind, moved
from grok2api.catalog import Tier


def fits(kind: Kind, tier: Tier) -> bool:
    """Whether a credential of that kind may be in that pool."""
    return (kind is Kind.API) is (tier is Tier.API)


def placed(account: Account, tier: Tier) -> Account:
    """The account in that pool, if it may be there; else as it was."""
    return moved(account, tier) if fits(account.kind, tier) else account
