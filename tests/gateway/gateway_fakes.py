"""A pool and an upstream that a test writes as data."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from grok2api.accounts.leases import Lease, Need
from grok2api.canonical.events import Fact
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import Message, Request, Role, Text
from grok2api.catalog import BY_NAME, Tier
from grok2api.gateway.respond import Work
from grok2api.gateway.stages import Stage
from grok2api.gateway.watch import Watch
from grok2api.upstreams.base import Credential, Plan, Task


class FakePool:
    """Leases its accounts in order; remembers how each lease ended."""

    def __init__(self, *accounts: str) -> None:
        self.accounts = accounts
        self.held: list[str] = []
        self.ended: list[tuple[str, str]] = []

    @asynccontextmanager
    async def lease(self, need: Need, *, without: Collection[str] = ()) -> AsyncIterator[Lease]:
        free = [account for account in self.accounts if account not in without]
        if not free:
            raise Refusal(Problem(kind=Kind.NO_ACCOUNT, message="nobody is free", retry_after=42))
        lease = Lease(Credential(free[0], "secret"), need.modes[0], need.tiers[0])
        self.held.append(free[0])
        try:
            yield lease
        finally:
            self.held.remove(free[0])
            how = "ok" if lease.success else lease.problem.kind.value if lease.problem else "cancelled"
            self.ended.append((free[0], how))

    def ready(self, need: Need) -> bool:
        return True

    def serves(self, tiers: Collection[Tier], mode: str) -> bool:
        return True


class NoFiles:
    """The attacher of requests that bring nothing."""

    def attached(self, request: Request) -> AbstractAsyncContextManager[Request]:
        return nullcontext(request)


class FakeRoutes:
    """Two ways out: accounts whose name begins with `p` go through the proxy."""

    def of(self, account: str) -> str:
        return "proxy:1" if account.startswith("p") else "direct"

    def all(self) -> tuple[str, ...]:
        return ("direct", "proxy:1")


def watch(now: Callable[[], float] = lambda: 1000.0) -> Watch:
    return Watch(now, FakeRoutes())


class FakeUpstream:
    """Plays one script an attempt: batches of facts, exceptions to raise, or an awaitable to wait for."""

    name = "fake"

    def __init__(self, *scripts: list[object]) -> None:
        self.scripts = list(scripts)
        self.tasks: list[Task] = []
        self.closed = 0

    def plan(self, request: Request, model: object) -> Plan:
        return Plan()

    async def converse(self, task: Task) -> AsyncGenerator[list[Fact], None]:
        script = self.scripts[len(self.tasks)]
        self.tasks.append(task)
        try:
            for step in script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, list):
                    yield step
                else:
                    await step  # type: ignore[misc]
        finally:
            self.closed += 1


def request(text: str = "hello", **changes: object) -> Request:
    return Request(
        model="grok-4.3-fast",
        messages=(Message(Role.USER, (Text(text),)),),
        **changes,  # type: ignore[arg-type]
    )


def work(upstream: FakeUpstream, *stages: Stage, **changes: object) -> Work:
    async def seven() -> int:
        return 7

    values: dict[str, object] = {
        "request": request(),
        "model": BY_NAME["grok-4.3-fast"],
        "need": Need(tiers=(Tier.BASIC,), modes=("fast",)),
        "upstream": upstream,
        "stages": lambda: (stages, None),
        "reask": None,
        "estimate": True,
        "input_tokens": seven,
        "request_id": "req_1",
    }
    return Work(**(values | changes))  # type: ignore[arg-type]
