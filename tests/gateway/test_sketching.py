"""The attempts at pictures: what another account is asked for, and what a run is complete with."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
from gateway_fakes import FakePool, watch

from files import attachment, png
from grok2api.accounts.leases import Need
from grok2api.canonical.attachment import Attachment
from grok2api.canonical.events import Failed, Previewed, Progressed
from grok2api.canonical.media import Artifact, Completed, ImageRequest, Kept, Made, MediaFact, Result
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.catalog import BY_NAME
from grok2api.gateway.policy import Policy
from grok2api.gateway.sketching import Order, Tools, sketch
from grok2api.gateway.turns import Report
from grok2api.upstreams.base import Credential
from grok2api.upstreams.media import FILE_FORGOTTEN, FileRef, MediaTask

MODEL = BY_NAME["grok-imagine-image"]
LIMITED = Failed(Problem(kind=Kind.RATE_LIMITED, message="limited", upstream_status=429))
MODERATED = Failed(Problem(kind=Kind.REFUSED, message="no", code="content_moderated"))


def made(name: str, slot: int = 0) -> Made:
    return Made(Artifact(id=name, url=f"https://assets.test/{name}"), slot)


class FakeMaker:
    """Tells one list of facts for each attempt; remembers what it was asked for."""

    def __init__(self, *attempts: list[MediaFact]) -> None:
        self._attempts = list(attempts)
        self.tasks: list[MediaTask] = []

    async def make(self, task: MediaTask) -> AsyncGenerator[list[MediaFact], None]:
        self.tasks.append(task)
        for fact in self._attempts.pop(0):
            yield [fact]


class FakeKeeper:
    """Keeps everything but what is called `dead`."""

    async def keep(self, credential: Credential, artifact: Artifact, *, here: bool = False) -> Result:
        if artifact.id == "dead":
            raise Refusal(Problem(kind=Kind.UPSTREAM, message="it is dead", upstream_status=404))
        return Result(id=f"{artifact.id}-of-{credential.account_id}")


class FakeReferences:
    """Files that are known until they are forgotten."""

    def __init__(self) -> None:
        self.forgotten = 0

    async def references(
        self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False
    ) -> list[FileRef]:
        assert imagine
        return [FileRef(f"f-{self.forgotten}") for _ in files]

    def knows_any(self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False) -> bool:
        return bool(files)

    def forget(self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False) -> None:
        self.forgotten += 1


async def play(
    maker: FakeMaker, pool: FakePool, n: int = 1, references: FakeReferences | None = None, **order: Any
) -> list[Any]:
    given = Order(
        request=ImageRequest(prompt="A dusk", n=n), model=MODEL, need=Need(tiers=MODEL.tiers, modes=("image",))
    )
    tools = Tools(maker=maker, references=references or FakeReferences(), keeper=FakeKeeper(), pool=pool, watch=watch())
    batches = sketch(msgspec.structs.replace(given, **order), tools, Policy(), Report())
    return [fact async for facts in batches for fact in facts]


async def test_another_account_is_asked_for_what_is_missing_only() -> None:
    maker = FakeMaker([made("a", 0), LIMITED], [Previewed(0, 50, b"x"), made("b", 0), made("c", 1), Completed(2)])
    pool = FakePool("one", "two")
    facts = await play(maker, pool, n=3)
    assert [fact.result.id for fact in facts if isinstance(fact, Kept)] == ["a-of-one", "b-of-two", "c-of-two"]
    assert [fact.slot for fact in facts if isinstance(fact, Kept | Previewed)] == [0, 1, 1, 2]
    assert facts[-1] == Completed(3)
    assert [task.request.n for task in maker.tasks] == [3, 2]  # type: ignore[union-attr]
    assert [outcome for _, outcome in pool.ended] == ["rate_limited", "ok"]


async def test_progress_never_falls_when_another_account_begins() -> None:
    maker = FakeMaker(
        [Progressed(10), Progressed(60), LIMITED], [Progressed(20), Progressed(80), made("a"), Completed(1)]
    )
    facts = await play(maker, FakePool("one", "two"))
    assert [fact.percent for fact in facts if isinstance(fact, Progressed)] == [10, 60, 80]


async def test_what_was_made_is_an_answer_when_nobody_is_left_to_ask() -> None:
    facts = await play(FakeMaker([made("a"), LIMITED], [LIMITED]), FakePool("one", "two"), n=2)
    assert facts[-1] == Completed(1)


async def test_what_is_moderated_is_not_tried_again() -> None:
    maker, pool = FakeMaker([MODERATED]), FakePool("one", "two")
    assert await play(maker, pool) == [MODERATED]
    assert pool.ended == [("one", "refused")]


async def test_I3_a_lost_picture_does_not_lose_the_others_nor_blame_the_account() -> None:
    pool = FakePool("one")
    facts = await play(FakeMaker([made("dead"), made("b", 1), Completed(2)]), pool, n=2)
    assert [type(fact) for fact in facts] == [Kept, Completed]
    assert facts[-1].made == 1
    assert pool.ended == [("one", "ok")]


async def test_I3_nothing_but_lost_pictures_is_a_failure() -> None:
    (failed,) = await play(FakeMaker([made("dead"), Completed(1)]), FakePool("one"))
    assert (failed.problem.code, failed.problem.message) == ("image_generation_incomplete", "it is dead")


async def test_a_file_that_the_upstream_forgot_is_sent_again_once() -> None:
    forgotten = Failed(Problem(kind=Kind.UPSTREAM, message="which file?", code=FILE_FORGOTTEN, upstream_status=404))
    references, maker = FakeReferences(), FakeMaker([forgotten], [made("a"), Completed(1)])
    facts = await play(maker, FakePool("one", "one"), references=references, files=(attachment(png(1, 1)),))
    assert facts[-1] == Completed(1)
    assert [task.references for task in maker.tasks] == [(FileRef("f-0"),), (FileRef("f-1"),)]


async def test_a_run_that_ends_without_an_end_broke_off() -> None:
    (failed,) = await play(FakeMaker([]), FakePool("one"))
    assert failed.problem.kind is Kind.CUT
