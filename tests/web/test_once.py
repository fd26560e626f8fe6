"""Answers that are made once for each key: C8, and when they are forgotten."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from grok2api.canonical.events import Failed, Finish, Finished, Produced, Started, Usage
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Message, Request, Role, Text
from grok2api.gateway.respond import Batch
from grok2api.web import once
from grok2api.web.once import Once, digest_of

END = Finished(Finish.STOP, Usage(input=1, output=1))
FAILED = Failed(Problem(kind=Kind.UPSTREAM, message="no"))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Maker:
    """Makes an answer of these events; counts how often, and how often it was closed early."""

    def __init__(self, *events: Any) -> None:
        self.events = events
        self.made = self.closed = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> AsyncGenerator[Batch, None]:
        self.made += 1
        try:
            for event in self.events:
                yield 0, [event]
                await self.gate.wait()
        except BaseException:
            self.closed += 1
            raise


async def heard(table: Once, maker: Maker, digest: bytes = b"d", key: str = "k") -> list[Any]:
    return [event async for _, events in table.join((key,), digest, maker) for event in events]


async def test_C8_who_comes_meanwhile_and_who_comes_later_hear_all_of_one_answer() -> None:
    maker, table = Maker(Started(), END), Once(Clock())
    maker.gate.clear()
    both = [asyncio.ensure_future(heard(table, maker)) for _ in range(2)]
    await asyncio.sleep(0.01)
    maker.gate.set()
    assert await both[0] == await both[1] == await heard(table, maker) == [Started(), END]
    assert maker.made == 1
    await heard(table, maker, key="other")
    assert maker.made == 2


async def test_another_request_with_the_same_key_is_a_conflict() -> None:
    maker, table = Maker(END), Once(Clock())
    await heard(table, maker)
    (failed,) = await heard(table, maker, b"other")
    assert (failed.problem.kind, failed.problem.code) == (Kind.CONFLICT, "idempotency_key_reused")


async def test_what_failed_is_made_again() -> None:
    maker, table = Maker(FAILED), Once(Clock())
    assert await heard(table, maker) == await heard(table, maker) == [FAILED]
    assert maker.made == 2


async def test_S13_the_work_ends_when_the_last_listener_leaves_and_not_before() -> None:
    maker, table = Maker(Started(), END), Once(Clock())
    maker.gate.clear()
    first, second = (asyncio.ensure_future(heard(table, maker)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert maker.closed == 0
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert maker.closed == 1
    maker.gate.set()
    assert await heard(table, maker) == [Started(), END]


async def test_a_bug_is_raised_where_it_is_rendered() -> None:
    class Broken(Maker):
        async def __call__(self) -> AsyncGenerator[Batch, None]:
            yield 0, [Started()]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await heard(Once(Clock()), Broken())


async def test_answers_are_kept_for_an_hour_and_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    maker, table = Maker(Produced("u", data=bytes(1000)), END), Once(clock)
    await heard(table, maker)
    clock.now = once.KEPT_SEC + 1
    await heard(table, maker)
    assert maker.made == 2
    monkeypatch.setattr(once, "LARGEST", 1500)
    await heard(table, maker, key="other")
    await heard(table, maker)
    assert maker.made == 4, "the first had to go for the second"


def test_requests_are_the_same_when_they_ask_the_same() -> None:
    def asked(words: str, **more: Any) -> bytes:
        return digest_of(Request(model="m", messages=(Message(Role.USER, (Text(words),), "prompt"),), **more))

    assert asked("a") == asked("a")
    assert len({asked("a"), asked("b"), asked("a", stream=True)}) == 3
