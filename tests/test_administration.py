"""The admin API put together: what its parts make of the gateway's."""

from collections.abc import AsyncGenerator, Collection, Iterable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from grok2api.admin.parts import StorageReport
from grok2api.admin.rows import public
from grok2api.admin.tasks import Step
from grok2api.administration import _refreshing, _storage
from grok2api.canonical.problem import Kind, Problem
from grok2api.catalog import Tier
from grok2api.config.table import build
from grok2api.storage.following import StoreHealth


class Look(msgspec.Struct):
    account_id: str
    modes: tuple[str, ...] = ()
    after: Tier | None = None
    problem: Problem | None = None


class Looks:
    """Looks at accounts, and notes how it was asked."""

    def __init__(self, *looks: Look) -> None:
        self.looks = looks
        self.asked: list[Any] = []

    async def refresh(
        self, ids: Iterable[str], modes: Collection[str] | None = None, at_once: int | None = None
    ) -> AsyncGenerator[Look, None]:
        self.asked.append((list(ids), modes, at_once))
        try:
            for look in self.looks:
                yield look
        finally:
            self.asked.append("closed")


async def test_a_look_at_an_account_is_a_step_of_a_batch() -> None:
    problem = Problem(kind=Kind.CREDENTIAL, message="The session is dead.")
    looks = Looks(Look("acc_1", ("auto", "grok43"), Tier.SUPER), Look("acc_2", (), None, problem))
    steps = [step async for step in _refreshing(looks)(["acc_1", "acc_2"], 3)]
    assert steps == [
        Step("acc_1", {"refreshed": 1, "modes": ["auto", "grok_4_3"], "pool": "super"}),
        Step("acc_2", {"refreshed": 1, "modes": [], "pool": None}, "The session is dead."),
    ]
    assert looks.asked == [(["acc_1", "acc_2"], None, 3), "closed"]


async def test_a_batch_that_is_given_up_ends_the_looking() -> None:
    looks = Looks(Look("acc_1"), Look("acc_2"))
    steps = _refreshing(looks)(["acc_1", "acc_2"], 1)
    assert (await anext(steps)).item == "acc_1"
    await steps.aclose()
    assert looks.asked[-1] == "closed"


def test_times_of_a_report_are_in_the_public_unit() -> None:
    class Report(msgspec.Struct):
        name: str = "a"
        started_at: float | None = 1.5
        ended_at: float | None = None
        since: float = 2.0
        took_sec: float = 0.25

    assert public(Report()) == {"name": "a", "started_at": 1500, "ended_at": None, "since": 2000, "took_sec": 0.25}


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:////data/grok2api.db", "sqlite"),
        ("postgresql://me:word@host/db", "postgresql"),
        ("mysql://me:word@host/db", "mysql"),
        ("mariadb://me:word@host/db", "mysql"),
    ],
)
def test_storage_is_named_as_older_programs_name_it(url: str, kind: str) -> None:
    configured: Any = SimpleNamespace(live=SimpleNamespace(current=build({"storage.url": url})))
    health = StoreHealth(ok=False, since=1.5, reason="The store is away.", waiting=3)
    accounts: Any = SimpleNamespace(following=SimpleNamespace(health=health))
    assert _storage(configured, accounts) == StorageReport(
        type=kind, healthy=False, since=1500, trouble="The store is away.", waiting=3
    )
