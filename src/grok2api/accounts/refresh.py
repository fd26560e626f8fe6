"""Keeping quotas fresh: whose upstream is asked about what, and what becomes of the answers.

Questions come from four sides. After an answer was given, the mode it was paid from is asked about, a little later, so
that a burst asks once; so is a suspect. New accounts are asked about everything, and one whose tier nobody named is
moved to the tier that the totals tell. `rounds` wants accounts asked on schedule and on demand. And `refresh` asks by
hand. All but the last wait in one queue, at most `concurrency` at once, and leave an upstream alone that cannot be
reached (`asking`). What answers mean is pure and elsewhere (`quota`, `lifecycle.questioned`).
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from types import MappingProxyType
from typing import Protocol

import msgspec
import structlog

from grok2api.accounts.asking import ASKED_ELSEWHERE, Answer, Asking
from grok2api.accounts.lifecycle import Effect, Exhausted, RefreshQuota, questioned
from grok2api.accounts.model import Account, State, moved
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.quota import TELLING_MODES, alive, infer_tier, learn, told_tier, untold
from grok2api.accounts.resting import Policy, awake
from grok2api.accounts.wishes import ALL, Question, Wishes
from grok2api.canonical.problem import Kind, Problem
from grok2api.catalog import TIER_MODES, WEB_MODES, Tier
from grok2api.transport.tasks import spawn
from grok2api.upstreams.base import Credential

#: Uses of a mode within this time are asked about once.
COALESCE_SEC = 2.0
#: How often the queue is looked at while nothing in it is due.
_BEAT_SEC = 0.25
#: A tier that could not be told is asked for again after this, then after twice as long, and so on.
_RETRY_SEC = 300.0
_LONGEST_RETRY_SEC = 6 * 3600.0
_JITTER_SEC = 30.0
#: Whoever wants the whole pool asked about waits while so many questions wait.
_CROWD = 1000

_INTERVALS: Mapping[Tier, float] = MappingProxyType({Tier.BASIC: 86400.0, Tier.SUPER: 7200.0, Tier.HEAVY: 7200.0})

#: Only these are asked about without being told to: others cannot serve whatever their quota is.
SERVING = (State.ACTIVE, State.SUSPECT)

#: Refusals that answer a question: the account lacks the mode, or the upstream knows no such mode.
_NO_SUCH_MODE = (Kind.MODE_REFUSED, Kind.UPSTREAM_INVALID, Kind.NOT_FOUND)
_GONE = Problem(kind=Kind.NOT_FOUND, message="There is no such account")

_log = structlog.stdlib.get_logger(__name__)


class RefreshOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chooses. Seconds.

    asks: whether quotas are asked at all, except by hand and for the tier of a new account (strategy `quota`).
    concurrency: questions at once. interval_sec: between two looks at an account. on_demand_sec: least time between
    two looks at everybody who is spent. policy: as in the pool.
    """

    asks: bool = True
    concurrency: int = 50
    interval_sec: Mapping[Tier, float] = _INTERVALS
    on_demand_sec: float = 300.0
    policy: Policy = Policy()


class TierKeeper(Protocol):
    """Where an account's tier is written for good."""

    async def move(self, account: Account, tier: Tier) -> int | None:
        """Write the tier; the store's revision of the account from now on.

        `None` when nothing was written: the store is away, or has a decision that is newer than `account`.
        """
        ...


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at one account brought: the modes that were told, its tier before and after, what went wrong."""

    account_id: str
    modes: tuple[str, ...] = ()
    before: Tier | None = None
    after: Tier | None = None
    problem: Problem | None = None


class Refresher:
    """Asks, and has the pool take over what is told. `exhausted` is set when the pool had nobody to offer."""

    def __init__(
        self,
        pool: AccountPool,
        asking: Asking,
        keeper: TierKeeper,
        options: Callable[[], RefreshOptions],
        now: Callable[[], float],
        rng: random.Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.asking = asking
        self.exhausted = asyncio.Event()
        self._pool = pool
        self._keeper = keeper
        self._options = options
        self._now = now
        self._rng = rng
        self._sleep = sleep
        self._wishes = Wishes()
        self._woken = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._looking: set[asyncio.Task[None]] = set()
        self._tries: dict[str, int] = {}

    # --- what is wanted

    def take(self, effects: Iterable[Effect]) -> None:
        """Note what the pool's outcomes demand."""
        for effect in effects:
            if isinstance(effect, RefreshQuota):
                self.want(effect.account_id, effect.mode, COALESCE_SEC)
            elif isinstance(effect, Exhausted):
                self.exhausted.set()

    def welcome(self, account: Account, *, new: bool) -> None:
        """Have an account asked about everything if its tier is not known, or if it is `new` in its tier.

        At a start nothing counts as new, but what was never told anything is asked about.
        """
        if not account.tier_known or (self._options().asks and untold(account, wholly=not new)):
            self.want(account.id)

    def want(self, ident: str, mode: str = ALL, delay: float = 0.0) -> None:
        """Have an account asked about a mode, or about all, in `delay` seconds."""
        self._wishes.put((ident, mode), self._now() + delay)
        self._woken.set()
        if self.crowded:
            self._roomy.clear()

    @property
    def crowded(self) -> bool:
        """Whether so many questions wait that whoever wants many more had better wait too."""
        return len(self._wishes) >= _CROWD

    async def has_room(self) -> None:
        """Return when it is not crowded."""
        await self._roomy.wait()

    @property
    def waiting(self) -> int:
        """How many questions wait for their time or for room."""
        return len(self._wishes)

    # --- by hand

    async def refresh(
        self, ids: Iterable[str], modes: Collection[str] | None = None, at_once: int | None = None
    ) -> AsyncGenerator[Refreshed, None]:
        """Ask about these accounts now, and yield what each brought as soon as it is known.

        Without `modes` all of an account's are asked about, and it is moved when the totals speak for another tier.
        Every state is asked about but accounts stay disabled. Closing it ends what was not done yet.
        """
        remaining = iter(ids)
        running: set[asyncio.Task[Refreshed]] = set()
        done = told = 0
        try:
            while True:
                room = (at_once or self._options().concurrency) - len(running)
                running |= {spawn(self._by_hand(ident, modes), "quota by hand") for ident in islice(remaining, room)}
                if not running:
                    break
                finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    result = task.result()
                    done, told = done + 1, told + (result.problem is None)
                    yield result
        finally:
            await _ended(running)
            _log.info("quotas were refreshed by hand", accounts=done, told=told)

    async def _by_hand(self, ident: str, modes: Collection[str] | None) -> Refreshed:
        account = self._pool.get(ident)
        if account is None:
            return Refreshed(account_id=ident, problem=_GONE)
        own = TIER_MODES[account.tier]
        if modes is None:
            return await self._look(account, own, infers=account.tier is not Tier.API)
        return await self._look(account, own.intersection(modes), infers=not account.tier_known)

    # --- in the background

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work the queue off until the context ends; what is in flight then is given up."""
        serving = spawn(self._serve(), "quota questions")
        try:
            yield
        finally:
            await _ended({serving, *self._looking})
            await self.asking.close()

    async def _serve(self) -> None:
        while True:
            await self._woken.wait()
            if not self.crowded:
                self._roomy.set()
            if len(self._looking) >= self._options().concurrency:
                await asyncio.wait(self._looking, return_when=asyncio.FIRST_COMPLETED)
            elif (question := self._wishes.pop(self._now())) is not None:
                self._begin(question)
                await asyncio.sleep(0)  # a queue of questions that nobody needs any more must not hold the loop
            elif self._wishes:
                await self._sleep(_BEAT_SEC)
            else:
                self._woken.clear()

    def _begin(self, question: Question) -> None:
        """Look at an account now, or put it off while the way to its upstream is left alone."""
        ident, mode = question
        account = self._pool.get(ident)
        if account is None or account.state not in SERVING or not (self._options().asks or not account.tier_known):
            return
        infers = not account.tier_known
        own = TIER_MODES[account.tier] if self._options().asks else frozenset()
        modes = own if mode == ALL else own.intersection({mode})
        now = self._now()
        shut = [self.asking.until(each) for each in (*modes, *(TELLING_MODES if infers else ()))]
        open_ = {each for each in modes if self.asking.until(each) <= now}
        if max(shut, default=0.0) > now and (infers or not open_):
            self._wishes.put(question, max(shut) + _JITTER_SEC * self._rng.random())
            return
        task = spawn(self._in_background(account, open_, infers=infers), "quota look")
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _in_background(self, account: Account, modes: Collection[str], *, infers: bool) -> None:
        await self._look(account, modes, infers=infers)
        if infers:
            self._ask_again(account.id)

    def _ask_again(self, ident: str) -> None:
        """Have a tier that is still not known asked for again, later each time."""
        account = self._pool.get(ident)
        if account is None or account.tier_known or account.state not in SERVING:
            self._tries.pop(ident, None)
            return
        tries = self._tries[ident] = self._tries.get(ident, 0) + 1
        delay = min(_RETRY_SEC * 2.0 ** min(tries - 1, 16), _LONGEST_RETRY_SEC)
        self.want(ident, ALL, delay + _JITTER_SEC * self._rng.random())

    # --- one account

    async def _look(self, account: Account, modes: Collection[str], *, infers: bool) -> Refreshed:
        """Ask about these modes, and about those that tell the tier if it `infers`; take over what is told."""
        wanted = {*modes, *(TELLING_MODES if infers else ())}
        answers = await self._answers(account, wanted)
        if infers and await self._settle_tier(account, answers) and modes:
            now = self._pool.get(account.id) or account
            answers += await self._answers(account, TIER_MODES[now.tier] - wanted)
        after = self._pool.change(account.id, lambda known: self._told(known, account.credential, answers))
        if after is None:
            return Refreshed(account_id=account.id, before=account.tier, problem=_GONE)
        own = [answer for answer in answers if answer.mode in TIER_MODES[after.tier]]
        return Refreshed(
            account_id=account.id,
            modes=tuple(answer.mode for answer in own if answer.problem is None),
            before=account.tier,
            after=after.tier,
            problem=next((found for answer in own if (found := answer.problem) not in (None, ASKED_ELSEWHERE)), None),
        )

    async def _answers(self, account: Account, modes: Collection[str]) -> list[Answer]:
        known = (mode for mode in sorted(modes) if self.asking.knows(mode))
        return await asyncio.gather(*(self.asking.ask(account.credential, mode) for mode in known))

    async def _settle_tier(self, account: Account, answers: Collection[Answer]) -> bool:
        """Move the account if another tier was told; whether it was moved. A tier is written before it counts."""
        tier = _told_tier(account, answers)
        if tier is None or (tier is account.tier and account.tier_known):
            return False
        revision = account.revision if tier is account.tier else await self._keeper.move(account, tier)
        if revision is None:
            return False
        self._pool.change(account.id, lambda known: _settled(known, account, tier, revision))
        _log.debug("tier was told", account=account.id, before=account.tier, after=tier)
        return True

    def _told(self, known: Account, asked: Credential, answers: Collection[Answer]) -> Account:
        """The account after these answers, which are about `asked`; windows whose time has passed are full."""
        if known.secret != asked.secret:
            return known
        now, policy = self._now(), self._options().policy
        lives = any(answer.problem is None for answer in answers)
        for answer in answers:
            if answer.problem is not None:
                if not (lives and answer.problem.kind is Kind.UNAUTHORIZED):
                    known = questioned(known, answer.problem, now)
            elif answer.told is None or not _counts(known, answer.mode):
                known = alive(known, answer.asked_at)
            else:
                known = learn(known, answer.mode, answer.told, now, policy, answer.asked_at)
        return awake(known, now)


def _counts(account: Account, mode: str) -> bool:
    """Whether the account has a window of this mode, or may have one."""
    return mode in TIER_MODES[account.tier] and (account.tier_known or mode not in WEB_MODES)


def _settled(known: Account, asked: Account, tier: Tier, revision: int) -> Account:
    """The account in the tier that was told, unless somebody decided about it meanwhile."""
    if known.revision not in (asked.revision, revision):
        return known
    return msgspec.structs.replace(moved(known, tier), revision=revision)


def _told_tier(account: Account, answers: Collection[Answer]) -> Tier | None:
    """The tier that the answers tell; `None` while some are missing, or when they say nothing against the known one."""
    telling = {answer.mode: answer for answer in answers if answer.mode in TELLING_MODES}
    totals: dict[str, int] = {}
    for mode in TELLING_MODES:
        answer = telling.get(mode)
        if answer is None or (answer.problem is not None and answer.problem.kind not in _NO_SUCH_MODE):
            return None
        if answer.told is not None:
            totals[mode] = answer.told.total
        elif answer.problem is not None and answer.problem.kind is Kind.MODE_REFUSED:
            totals[mode] = 0
    if all(answer.told is None for answer in telling.values()):
        return None
    return told_tier(totals) if account.tier_known else infer_tier(totals)


async def _ended(tasks: Collection[asyncio.Task[None]] | Collection[asyncio.Task[Refreshed]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
