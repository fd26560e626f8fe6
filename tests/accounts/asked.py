"""A pool, an upstream that tells what it is told to tell, and time in the test's hand."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager

from pooling import account

from grok2api.accounts.asking import Asking
from grok2api.accounts.importing import entry
from grok2api.accounts.lifecycle import Effect
from grok2api.accounts.model import Account
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.refresh import Refreshed, Refresher, RefreshOptions
from grok2api.accounts.rounds import Rounds
from grok2api.canonical.problem import Problem, Refusal
from grok2api.catalog import WEB_MODES, Tier
from grok2api.upstreams.base import Credential, Told
from virtual_time import InMemory, VirtualTime

#: What grok.com says about an account of each tier.
TOTALS = {
    Tier.BASIC: {"auto": 0, "fast": 30, "expert": 0, "heavy": 0, "grok43": 0, "console": 20},
    Tier.SUPER: {"auto": 50, "fast": 140, "expert": 50, "heavy": 0, "grok43": 50, "console": 20},
    Tier.HEAVY: {"auto": 150, "fast": 400, "expert": 150, "heavy": 20, "grok43": 150, "console": 20},
}

Says = Told | Problem | None


class Source:
    """Tells what `says` holds for (account, mode), for the mode, or for everything; else what the tier has."""

    def __init__(self, name: str, time: VirtualTime, tier: Tier = Tier.BASIC) -> None:
        self.name = name
        self.tier = tier
        self.says: dict[object, Says] = {}
        self.calls: list[tuple[float, str, str]] = []
        self.at_once = self.peak = 0
        self.hold: asyncio.Event | None = None
        self._time = time

    async def ask(self, credential: Credential, mode: str) -> Told | None:
        self.calls.append((self._time.now, credential.account_id, mode))
        self.at_once += 1
        self.peak = max(self.peak, self.at_once)
        try:
            for _ in range(8):
                await asyncio.sleep(0)
            if self.hold is not None:
                await self.hold.wait()
            says = self._says(credential.account_id, mode)
            if isinstance(says, Problem):
                raise Refusal(says)
            return says
        finally:
            self.at_once -= 1

    def _says(self, ident: str, mode: str) -> Says:
        for key in ((ident, mode), mode, "*"):
            if key in self.says:
                return self.says[key]
        total = TOTALS[self.tier][mode]
        return Told(total, total, 7200)

    @property
    def asked(self) -> Counter[tuple[str, str]]:
        """How often each question was asked."""
        return Counter((ident, mode) for _, ident, mode in self.calls)

    @property
    def modes(self) -> list[str]:
        return sorted(mode for _, _, mode in self.calls)


class Keeper:
    """A store of tiers that can be away."""

    def __init__(self) -> None:
        self.moves: list[tuple[str, Tier]] = []
        self.revision: int | None = 100

    async def move(self, account: Account, tier: Tier) -> int | None:
        await asyncio.sleep(0)
        self.moves.append((account.id, tier))
        return self.revision


class Scene:
    """Everything around a refresher, with one source for grok.com, one for the console and one for keys."""

    def __init__(self, accounts: Iterable[Account] = (), tier: Tier = Tier.BASIC, **options: object) -> None:
        self.time = VirtualTime()
        self.options = RefreshOptions(**options)  # type: ignore[arg-type]
        self.pool_options = PoolOptions(strategy="quota" if self.options.asks else "random")
        self.effects: list[Effect] = []
        self.web = Source("grok.com", self.time, tier)
        self.console = Source("console.x.ai", self.time, tier)
        self.api = Source("The xAI API", self.time)
        self.api.says["api"] = None
        self.keeper = Keeper()
        self.memory = InMemory()
        self.begin(accounts)

    def begin(self, accounts: Iterable[Account]) -> None:
        """Everything anew, as after a restart, but for the memory and the upstreams."""
        rng = random.Random(7)
        sources = {**dict.fromkeys(WEB_MODES, self.web), "console": self.console, "api": self.api}
        self.pool = AccountPool(accounts, lambda: self.pool_options, self.time, rng, self.sink)
        asking = Asking(sources, lambda: self.options.concurrency, self.time)
        chosen: Callable[[], RefreshOptions] = lambda: self.options  # noqa: E731
        self.refresher = Refresher(self.pool, asking, self.keeper, chosen, self.time, rng, self.time.sleep)
        self.rounds = Rounds(self.pool, self.refresher, chosen, self.time, rng, self.memory)

    def sink(self, effects: Iterable[Effect]) -> None:
        effects = tuple(effects)
        self.effects += effects
        self.refresher.take(effects)

    @asynccontextmanager
    async def running(self, joining: Iterable[Account] = ()):
        async with self.refresher.running(), self.rounds.running(joining):
            yield self

    def get(self, ident: str = "acc_1") -> Account:
        found = self.pool.get(ident)
        assert found is not None
        return found

    async def by_hand(self, *ids: str, modes: Iterable[str] | None = None) -> list[Refreshed]:
        chosen = None if modes is None else tuple(modes)
        return [one async for one in self.refresher.refresh(ids or ("acc_1",), chosen)]


def unnamed(number: int = 1) -> Account:
    """A fresh account whose tier nobody named."""
    return entry("here", f"secret-{number}", "auto").account(f"acc_{number}", 0.0)


def several(count: int, tier: Tier = Tier.BASIC) -> list[Account]:
    return [account(number, tier) for number in range(count)]
