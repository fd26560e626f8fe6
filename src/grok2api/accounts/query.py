"""Which accounts are meant, and in what order: the question that lists, bulk changes and exports ask.

Pure. `matches` is the meaning; the store answers the same question in SQL, page by page, so that nobody copies the
pool to show fifty rows of it. A test holds the two against each other.
"""

from enum import StrEnum

import msgspec

from grok2api.accounts.model import WHOLE, Account, State
from grok2api.catalog import MEDIA_MODES, TIER_MODES, Tier


class Status(StrEnum):
    """An account in one word. `COOLING` is an active one that can serve no mode now."""

    ACTIVE = "active"
    COOLING = "cooling"
    SUSPECT = "suspect"
    EXPIRED = "expired"
    DISABLED = "disabled"


#: The modes by which an account is said to be cooling or not: drawing goes on while nothing else does.
_TALKING = {tier: modes - MEDIA_MODES for tier, modes in TIER_MODES.items()}


def cooling_until(account: Account) -> float:
    """When the first of its modes can serve again; 0 when one never rested. A rest that is over counts as none."""
    whole = account.rests.get(WHOLE)
    least = 0.0 if whole is None else whole.until
    rests = [account.rests.get(mode) for mode in _TALKING[account.tier]]
    if any(rest is None for rest in rests):
        return least
    return max(least, min((rest.until for rest in rests if rest is not None), default=0.0))


def status(account: Account, now: float) -> Status:
    """The account at `now`, in one word."""
    if account.state is State.ACTIVE and cooling_until(account) > now:
        return Status.COOLING
    return Status(account.state.value)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts that fit all of these; a part that is left out fits every account.

    text: a piece of the id, a tag, the user id, the reason of the state or the last error, in any case of letters.
    """

    pool: Tier | None = None
    status: Status | None = None
    tag: str | None = None
    text: str = ""

    def matches(self, account: Account, now: float) -> bool:
        """Whether the account is meant."""
        return (
            (self.pool is None or account.tier is self.pool)
            and (self.status is None or status(account, now) is self.status)
            and (self.tag is None or self.tag in account.tags)
            and (not self.text or any(self.text.casefold() in words.casefold() for words in _searched(account)))
        )


def _searched(account: Account) -> tuple[str, ...]:
    return (account.id, account.user_id or "", account.state_reason, account.last_error, *account.tags)


class SortKey(StrEnum):
    """What a list may be sorted by; ties go by age, then id."""

    CREATED = "created_at"
    LAST_USED = "last_used_at"
    USES = "use_count"
    FAILURES = "fail_count"
    HEALTH = "health"
    POOL = "pool"
    STATUS = "status"


class Order(msgspec.Struct, frozen=True):
    """The order of a list; the oldest account first unless asked otherwise."""

    by: SortKey = SortKey.CREATED
    descending: bool = False


class Page(msgspec.Struct, frozen=True):
    """Some accounts of a list, and how many the whole list has."""

    accounts: tuple[Account, ...]
    total: int


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes accounts, and what it is called, for the audit: `action` is the verb, `actor` the surface (`admin`,
    `cli`, `refresh`), `detail` one line without any secret. `at` is when."""

    action: str
    actor: str
    at: float
    detail: str = ""
