"""What the pool asks of and tells the pools of other workers. With one process there is nobody to ask."""

from typing import Protocol

from grok2api.accounts.model import Account

#: How many accounts, at most, one lease asks the other workers about before it is refused. Only a pool that is nearly
#: full everywhere needs more than one or two.
TRIES = 32
#: How long an account that is full over all workers counts as full here.
FULL_SEC = 0.2


class Sharing(Protocol):
    """Counts over all workers. An account is counted under its id, a probe of it under `probe_name`."""

    async def take(self, name: str, cap: int) -> bool:
        """Count one more under `name`, unless `cap` are counted over all workers. Waits a moment, never long."""
        ...

    def give(self, name: str) -> None:
        """Count one less under `name`."""
        ...

    def changed(self, before: Account, after: Account) -> None:
        """Serving has changed an account: the others shall know."""
        ...


def probe_name(account_id: str) -> str:
    """The counter of an account's probes: one at a time, in whichever worker (P2)."""
    return f"{account_id}/probe"
