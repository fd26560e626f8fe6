"""Films in the store: found again whole, held by one at a time, and forgotten when they are to be."""

import asyncio

import msgspec
import pytest

from grok2api.canonical.film import Film, Status
from grok2api.canonical.media import Artifact, Checkpoint
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import StoreError
from grok2api.storage.videos import VideoStore


def film(number: int = 1, **more: object) -> Film:
    made = Film(
        id=f"video_{number}",
        created_at=float(number),
        model="grok-imagine-video",
        prompt="A cat playing piano \N{CAT FACE}",
        seconds=6,
        size="720x1280",
        resolution="720p",
        preset="custom",
    )
    return msgspec.structs.replace(made, **more)


@pytest.fixture
def videos(store: AccountStore) -> VideoStore:
    return VideoStore(store.database)


async def test_a_film_comes_back_as_it_was_written(videos: VideoStore) -> None:
    artifact = Artifact(kind="video", id="71de", url="https://a/b.mp4", data=b"\x00\xff", mime="video/mp4")
    checkpoint = Checkpoint(started=2, finished=1, post="p", film="f", seconds=6, artifact=artifact)
    written = film(
        pictures=2,
        key="k" * 64,
        body="b" * 64,
        status=Status.FAILED,
        progress=57,
        account="acc_1",
        checkpoint=checkpoint,
        file="0" * 32,
        error_code="interrupted",
        error_message="Grok's film broke off",
        completed_at=9.5,
    )
    assert await videos.add(written) == written
    assert await videos.get("video_1") == written
    assert await videos.get("video_2") is None
    assert await videos.ordered("k" * 64) == written
    assert await videos.ordered("x" * 64) is None


async def test_C8_a_key_stands_for_one_film_however_many_ask_at_once(videos: VideoStore) -> None:
    told = await asyncio.gather(*(videos.add(film(number, key="same")) for number in range(8)))
    assert len({one.id for one in told}) == 1
    assert [one.id for one in await videos.page(None, 50, newest_first=True)] == [told[0].id]


async def test_films_without_a_key_are_all_different(videos: VideoStore) -> None:
    await videos.add(film(1))
    await videos.add(film(2))
    assert len(await videos.page(None, 50, newest_first=True)) == 2


async def test_an_id_is_given_once(videos: VideoStore) -> None:
    await videos.add(film(1))
    with pytest.raises(StoreError):
        await videos.add(film(1))


async def test_pages_meet_without_a_gap_in_both_directions(videos: VideoStore) -> None:
    for number in range(5):
        await videos.add(film(number, created_at=float(number // 2)))
    whole = [one.id for one in await videos.page(None, 50, newest_first=True)]
    assert whole == ["video_4", "video_3", "video_2", "video_1", "video_0"]
    for newest_first, expected in ((True, whole), (False, whole[::-1])):
        found: list[str] = []
        while page := await videos.page(found[-1] if found else None, 2, newest_first=newest_first):
            found += [one.id for one in page]
        assert found == expected
    assert await videos.page("video_9", 2, newest_first=True) == []


async def test_a_film_is_held_by_one_until_its_time_is_over(videos: VideoStore) -> None:
    for number in range(3):
        await videos.add(film(number))
    assert [one.id for one in await videos.take("a", 10.0, 20.0, 2)] == ["video_0", "video_1"]
    assert [one.id for one in await videos.take("b", 10.0, 20.0, 9)] == ["video_2"]
    assert await videos.take("c", 20.0, 30.0, 9) == []
    assert await videos.hold({"video_0": 40, "video_2": 50}, "a", 40.0) == {"video_0"}
    assert [one.id for one in await videos.take("c", 21.0, 31.0, 9)] == ["video_1", "video_2"]
    held = await videos.get("video_0")
    taken = await videos.get("video_2")
    assert held is not None
    assert taken is not None
    assert (held.progress, taken.progress) == (40, 0)


async def test_two_who_take_at_once_get_different_films(videos: VideoStore) -> None:
    for number in range(6):
        await videos.add(film(number))
    taken = await asyncio.gather(*(videos.take(holder, 1.0, 9.0, 4) for holder in "abc"))
    ids = [one.id for some in taken for one in some]
    assert sorted(ids) == [f"video_{number}" for number in range(6)]


async def test_only_the_holder_writes_the_course(videos: VideoStore) -> None:
    await videos.add(film(1))
    await videos.take("a", 1.0, 9.0, 1)
    further = film(1, status=Status.IN_PROGRESS, account="acc_1", checkpoint=Checkpoint(started=1))
    assert not await videos.keep(further, "b")
    assert await videos.keep(further, "a")
    assert await videos.keep(further, "a")
    assert await videos.get("video_1") == further
    await videos.let_go("a", ["video_1"])
    assert not await videos.keep(further, "a")
    assert [one.id for one in await videos.take("b", 1.0, 9.0, 1)] == ["video_1"]


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
async def test_nobody_takes_a_film_that_is_over(videos: VideoStore, status: Status) -> None:
    await videos.add(film(1, status=status))
    assert await videos.take("a", 1.0, 9.0, 1) == []
    assert await videos.unfinished() == 0


async def test_a_film_that_is_removed_is_nobodys_any_more(videos: VideoStore) -> None:
    await videos.add(film(1))
    await videos.take("a", 1.0, 9.0, 1)
    assert await videos.unfinished() == 1
    assert await videos.remove("video_1") == film(1)
    assert await videos.remove("video_1") is None
    assert await videos.hold({"video_1": 10}, "a", 40.0) == set()
    assert not await videos.keep(film(1), "a")


async def test_films_that_are_over_are_forgotten_after_their_time(videos: VideoStore) -> None:
    for number in range(4):
        await videos.add(film(number, status=Status.COMPLETED, completed_at=float(number), file="f"))
    await videos.add(film(9))
    assert [one.id for one in await videos.expire(2.0, 1)] == ["video_0"]
    assert [one.id for one in await videos.expire(2.0, 9)] == ["video_1"]
    assert len(await videos.page(None, 9, newest_first=True)) == 3
    assert await videos.uses("f")
    assert not await videos.uses("g")
