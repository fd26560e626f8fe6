"""The simulated world: its accounts, what they keep, scenarios, conversations, clock and journal.

Tests and the control endpoints change it; the endpoints only ask it. Time and sleeping are injected, so
that windows can run out and silences can be observed without waiting for them.
"""

import asyncio
import itertools
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from grok2api.catalog import Tier
from grok2api.simulator.accounts import SimAccount, demo_accounts
from grok2api.simulator.delivery import Delivery
from grok2api.simulator.dpop import Issuer
from grok2api.simulator.faults import Fault
from grok2api.simulator.holdings import Holdings
from grok2api.simulator.journal import Journal
from grok2api.simulator.scenarios import Match, Scenario, Seen, read_faults
from grok2api.simulator.script import Script, say

_REMEMBERED = 10_000


class WorldOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the simulator behaves towards everybody.

    delay: seconds between frames. burst: a whole answer in one write, rendered once (benchmarks).
    metered: whether windows run down. require_dpop: the console wants proofs from every account.
    strict: unknown request fields are refused instead of noted in the journal.
    """

    delay: float = 0.0
    burst: bool = False
    metered: bool = True
    require_dpop: bool = False
    strict: bool = False


#: One delay-free, metered world.
PLAIN_WORLD = WorldOptions()


class Conversation(msgspec.Struct):
    """A conversation on grok.com: whose it is and the ids that a next turn may refer to."""

    token: str
    turns: set[str]


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What the scenarios say about one request."""

    faults: tuple[Fault, ...] = ()
    script: Script | None = None
    delay: float = 0.0


class World:
    """Everything that the simulator knows."""

    def __init__(
        self,
        accounts: Iterable[SimAccount] | None = None,
        options: WorldOptions = PLAIN_WORLD,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._initial = [msgspec.to_builtins(one) for one in (demo_accounts() if accounts is None else accounts)]
        self._numbers = itertools.count(1)
        self.options = options
        self.now = now
        self.sleep = sleep
        self.journal = Journal(now)
        self.issuer = Issuer()
        self.accounts: dict[str, SimAccount] = {}
        self.scenarios: list[Scenario] = []
        self.conversations: OrderedDict[str, Conversation] = OrderedDict()
        self.holdings = Holdings()
        self.rendered: dict[object, Delivery] = {}
        self.reset()

    def reset(self) -> None:
        """The accounts as at the start; no scenarios, no journal, no conversations, no files."""
        self.accounts = {}
        self.add(*(msgspec.convert(one, SimAccount) for one in self._initial))
        self.scenarios.clear()
        self.journal.clear()
        self.conversations.clear()
        self.holdings = Holdings()
        self.rendered.clear()

    def add(self, *accounts: SimAccount) -> None:
        """Adds accounts, replacing those with the same token."""
        self.accounts.update({account.token: account for account in accounts})

    def account(self, token: str, tier: Tier | str = Tier.BASIC) -> SimAccount:
        """The account with this token, made if there is none."""
        if token not in self.accounts:
            self.add(SimAccount(token=token, tier=Tier(tier)))
        return self.accounts[token]

    def regrade(self, token: str, tier: Tier | str) -> SimAccount:
        """The account in another tier, with that tier's windows, as when somebody has paid or stopped paying."""
        known = self.account(token)
        fresh = SimAccount(token=token, tier=Tier(tier), state=known.state, user_id=known.user_id, email=known.email)
        self.add(fresh)
        return fresh

    def on(
        self,
        *,
        fault: str | list[str] | tuple[str, ...] = (),
        script: Script | str | None = None,
        delay: float | None = None,
        times: int | None = None,
        endpoint: str = "chat",
        account: str | None = None,
        mode: str | None = None,
        model: str | None = None,
        contains: str | None = None,
        nth: int | None = None,
    ) -> Scenario:
        """Adds a scenario: requests that match get this fault, script or delay; at most `times` of them."""
        match = Match(endpoint=endpoint, account=account, mode=mode, model=model, contains=contains, nth=nth)
        scenario = Scenario(
            match=match,
            faults=read_faults(fault),
            script=say(script) if isinstance(script, str) else script,
            delay=delay,
            times=times,
        )
        self.scenarios.append(scenario)
        return scenario

    def choose(self, seen: Seen) -> Chosen:
        """What the scenarios say about a request; the newest that says something wins."""
        faults: tuple[Fault, ...] = ()
        script: Script | None = None
        delay: float | None = None
        for scenario in reversed(self.scenarios):
            if scenario.applies(seen):
                faults = faults or scenario.faults
                script = script or scenario.script
                delay = scenario.delay if delay is None else delay
        return Chosen(faults=faults, script=script, delay=self.options.delay if delay is None else delay)

    def names_of(self, files: Iterable[str]) -> tuple[str, ...]:
        """What files are called, with type and size; unknown ones are left out."""
        known = [self.holdings.files[file] for file in files if file in self.holdings.files]
        return tuple(f"{file.name} ({file.mime}, {len(file.sample.data)} bytes)" for file in known)

    def fresh_id(self) -> str:
        """A UUID that is new in this world."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"sim-{next(self._numbers)}"))

    def remember(self, conversation: str, token: str, *turns: str) -> None:
        """Notes that a conversation has these turns; the oldest conversations are forgotten."""
        known = self.conversations.setdefault(conversation, Conversation(token, set()))
        known.turns.update(turns)
        self.conversations.move_to_end(conversation)
        if len(self.conversations) > _REMEMBERED:
            self.conversations.popitem(last=False)
