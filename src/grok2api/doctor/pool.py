"""The accounts: how many can serve, and whether one of each kind is let in by its upstream.

Asks for quota, which costs none, and changes nothing about the accounts that it asks.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Protocol

from grok2api.accounts.editing import fits
from grok2api.accounts.model import Account, Kind
from grok2api.accounts.query import Filter, Order, Page, SortKey, Status
from grok2api.canonical.problem import Kind as Cause
from grok2api.canonical.problem import Problem, Refusal
from grok2api.catalog import Tier
from grok2api.doctor.findings import Finding, fail, good, note, warn
from grok2api.upstreams.base import Credential, TransportError

#: Asks the upstream about one mode of an account. Raises `Refusal` and `TransportError`.
Ask = Callable[[Credential, str], Awaitable[object]]

_LAST_USED = Order(SortKey.LAST_USED, descending=True)


class Accounts(Protocol):
    """The part of the store that this needs."""

    async def page(self, which: Filter, order: Order, offset: int, limit: int, now: float) -> Page: ...


#: What is asked of one account of each kind: the subject, the kind, a mode that each of them has.
KINDS: Sequence[tuple[str, Kind, str]] = (
    ("grok.com session", Kind.WEB, "fast"),
    ("console.x.ai session", Kind.WEB, "console"),
    ("official key", Kind.API, "api"),
)

_ASK_TIMEOUT_SEC = 30.0
_NEW_SESSION = "sign in again in a browser and replace the credential: grok2api accounts edit ID --token -"
_RENEW = "copy the cookies and the User-Agent of your own browser session anew (proxy.clearance.*)"

#: What the operator can do about a refusal; the rest is the upstream's to mend.
_MENDS: Mapping[Cause, str] = {
    Cause.CREDENTIAL: _NEW_SESSION,
    Cause.UNAUTHORIZED: _NEW_SESSION,
    Cause.BLOCKED: "the upstream closed this account; remove it, or ask the upstream why",
    Cause.CHALLENGE: _RENEW,
    Cause.RATE_LIMITED: "wait, or add accounts",
    Cause.ACCOUNT_LIMITED: "wait, or add accounts",
    Cause.OUT_OF_CREDITS: "add credit to the account, or remove it",
    Cause.UNREACHABLE: "see the upstream's own line above",
}
#: Refusals that say nothing against the installation.
_HARMLESS = frozenset({Cause.RATE_LIMITED, Cause.ACCOUNT_LIMITED, Cause.UPSTREAM_DOWN, Cause.TIMEOUT, Cause.NOT_FOUND})


def census(tally: Mapping[tuple[Tier, Status], int]) -> Iterator[Finding]:
    """How many accounts are in which state."""
    counts: Counter[Status] = Counter()
    for (_, state), count in tally.items():
        counts[state] += count
    words = ", ".join(f"{counts[state]} {state}" for state in Status if counts[state])
    if not counts:
        yield warn("accounts", "there are none", "grok2api accounts add TOKEN; see docs/adding-accounts.md")
    elif not counts[Status.ACTIVE]:
        yield warn("accounts", f"none can serve now: {words}", "grok2api accounts list shows when and why")
    else:
        yield good("accounts", words)
    if counts[Status.EXPIRED]:
        yield note("accounts", f"{counts[Status.EXPIRED]} expired: their sessions ended", _NEW_SESSION)


async def sample(store: Accounts, kind: Kind, now: float) -> Account | None:
    """The account of a kind that speaks best for it: a usable one, and of those the one that served last.

    Raises what the store raises.
    """
    tiers = [tier for tier in Tier if fits(kind, tier)]
    for state in (Status.ACTIVE, Status.COOLING, Status.SUSPECT):
        pages = [await store.page(Filter(pool=tier, status=state), _LAST_USED, 0, 1, now) for tier in tiers]
        found = [account for page in pages for account in page.accounts]
        if found:
            return max(found, key=lambda one: one.last_used_at or 0.0)
    return None


async def kinds(store: Accounts, ask: Ask, now: float) -> AsyncIterator[Finding]:
    """One finding for each kind of account that is here. Raises what the store raises."""
    for subject, kind, mode in KINDS:
        account = await sample(store, kind, now)
        if account is not None:
            yield await _ask(subject, account, mode, ask)


async def _ask(subject: str, account: Account, mode: str, ask: Ask) -> Finding:
    try:
        async with asyncio.timeout(_ASK_TIMEOUT_SEC):
            await ask(account.credential, mode)
    except (Refusal, TransportError) as error:
        return refused(subject, account.id, error.problem)
    except TimeoutError:
        return warn(subject, f"{account.id}: no answer within {_ASK_TIMEOUT_SEC:g} s", "try again later")
    return good(subject, f"{account.id} is let in")


def refused(subject: str, ident: str, problem: Problem) -> Finding:
    """What a refusal means for the operator."""
    mend = _MENDS.get(problem.kind, "grok2api accounts show ID tells more")
    grade = warn if problem.kind in _HARMLESS else fail
    return grade(subject, f"{ident}: {problem.message}", mend)
