"""Films through the adapter: lengths, both forms, what goes wrong, and taking a run up again."""

import asyncio
from contextlib import aclosing

import pytest
from media_rig import ME, OTHER, VIDEO, artifacts, connected, fetch, make, sent
from media_telling import summary

from fake_http import FakeAnswer, FakeHttp, FakeSockets
from grok2api.canonical.media import Artifact, Checkpoint, Made, Reached, VideoRequest
from grok2api.canonical.problem import Kind, Problem
from grok2api.catalog import BY_NAME
from grok2api.upstreams.base import UNANSWERED, TransportError
from grok2api.upstreams.grok_web.media_adapter import GrokMedia
from grok2api.upstreams.grok_web.options import MediaOptions, WebOptions
from grok2api.upstreams.grok_web.users import Users
from grok2api.upstreams.media import MediaTask


def request(seconds=6, words="", **more):
    prompt = " ".join(["a cat", *(f"sim:{word}" for word in words.split())])
    return VideoRequest(prompt=prompt, seconds=seconds, **more)


def checkpoints(facts):
    return [fact.checkpoint for fact in facts if isinstance(fact, Reached)]


def end_of(facts):
    return summary(facts)["end"]


#: form -> seconds -> the lengths that are asked for.
LENGTHS = {
    "posts": {6: [6], 10: [10], 12: [6, 6], 16: [10, 6], 20: [10, 10]},
    "direct": {6: [6], 12: [12], 20: [10, 10]},
}


@pytest.mark.parametrize(("calls", "seconds"), [(form, seconds) for form in LENGTHS for seconds in LENGTHS[form]])
async def test_a_film_of_any_length_is_made_in_segments_of_one_account(simulator, calls, seconds):
    async with connected(simulator, calls=calls) as grok:
        facts = await make(grok, request(seconds, ratio="16:9", resolution="480p"), VIDEO)
        [artifact] = artifacts(facts)
        assert (await fetch(grok, artifact))[4:8] == b"ftyp"
    told, count = summary(facts), len(LENGTHS[calls][seconds])
    assert (told["percents"][-1], told["end"]) == (100, "completed 1 0")
    assert told["reached"] == [pair for done in range(count) for pair in ([done + 1, done], [done + 1, done + 1])]
    last = checkpoints(facts)[-1]
    assert (last.seconds, last.artifact, last.film) == (seconds, artifact, artifact.id)
    assert simulator.world.holdings.films[artifact.id].seconds == seconds
    entries = simulator.world.journal.of("video")
    assert len(entries) == count
    assert [entry.notes for entry in entries] == [[]] * count
    assert {entry.account for entry in entries} == {"demo-super-1"}


async def test_progress_is_that_of_the_whole_film(simulator):
    async with connected(simulator) as grok:
        told = summary(await make(grok, request(12), VIDEO))
    assert told["percents"] == [16, 28, 49, 50, 66, 78, 99, 100]


@pytest.mark.parametrize("calls", ["posts", "direct"])
async def test_a_film_may_begin_with_pictures(simulator, calls):
    async with connected(simulator, calls=calls) as grok:
        references = await sent(grok, 2)
        assert end_of(await make(grok, request(), VIDEO, references=references)) == "completed 1 0"
    posts = simulator.world.journal.of("post")
    assert [entry.body.get("mediaUrl") for entry in posts] == (
        [reference.url for reference in references] if calls == "posts" else []
    )


#: word -> the end, and the checkpoints.
FILMS = {
    "withheld": ("failed refused content_moderated", [[1, 0], [1, 0]]),
    "unfinished": ("failed empty video_generation_failed", [[1, 0], [1, 0]]),
    "no-final-frame": ("completed 1 0", [[1, 0], [1, 1]]),
    "no-film-url": ("completed 1 0", [[1, 0], [1, 1]]),
    "early-response": ("completed 1 0", [[1, 0], [1, 1]]),
    "empty": ("failed empty video_generation_failed", [[1, 0], [0, 0]]),
    "error": ("failed rate_limited", [[1, 0], [0, 0]]),
    "error@2=13": ("failed upstream_down", [[1, 0], [1, 0]]),
    "error-late@2=8": ("failed rate_limited", [[1, 0], [1, 0]]),
    "429=9": ("failed rate_limited", [[1, 0], [0, 0]]),
    "401": ("failed credential", [[1, 0], [0, 0]]),
    "403-moderated": ("failed refused content_moderated", [[1, 0], [0, 0]]),
    "403-challenge": ("failed challenge", [[1, 0], [0, 0]]),
    "503": ("failed upstream_down", [[1, 0], [0, 0]]),
    "drop@2": ("failed cut stream_cut", [[1, 0], [1, 0]]),
    "cut@10": ("failed cut stream_cut", [[1, 0], [1, 0]]),
    "html": ("failed upstream", [[1, 0], [1, 0]]),
    "garbage": ("failed upstream", [[1, 0], [1, 0]]),
    "eof": ("failed empty video_generation_failed", [[1, 0], [0, 0]]),
    "no-end": ("completed 1 0", [[1, 0], [1, 1]]),
    "split@3": ("completed 1 0", [[1, 0], [1, 1]]),
}


@pytest.mark.parametrize("words", FILMS)
async def test_a_film_that_goes_otherwise_ends_as_it_should(simulator, words):
    async with connected(simulator) as grok:
        facts = await make(grok, request(6, words), VIDEO)
        for artifact in artifacts(facts):
            assert (await fetch(grok, artifact))[4:8] == b"ftyp"
    told = summary(facts)
    assert (told["end"], told["reached"]) == FILMS[words]


async def test_a_segment_that_fails_keeps_what_was_filmed_before(simulator):
    simulator.world.on(endpoint="video", fault="429", nth=2)
    async with connected(simulator) as grok:
        facts = await make(grok, request(12), VIDEO)
        assert (end_of(facts), artifacts(facts)) == ("failed rate_limited", [])
        last = checkpoints(facts)[-1]
        assert (last.started, last.finished, last.seconds, last.at_rest) == (1, 1, 6, True)
        facts = await make(grok, request(12), VIDEO, checkpoint=last)
    assert summary(facts)["reached"] == [[2, 1], [2, 2]]
    assert (summary(facts)["percents"][0], end_of(facts)) == (66, "completed 1 0")
    assert simulator.world.holdings.films[artifacts(facts)[0].id].seconds == 12
    assert len(simulator.world.journal.of("post")) == 1


async def test_another_account_cannot_go_on_with_a_film(simulator):
    async with connected(simulator) as grok:
        first = checkpoints(await make(grok, request(6), VIDEO))[-1]
        facts = await make(grok, request(12), VIDEO, who=OTHER, checkpoint=first)
    assert end_of(facts) == "failed not_found"


async def test_I2_a_film_that_was_asked_for_is_never_asked_for_twice(simulator):
    async with connected(simulator) as grok:
        facts = await make(grok, request(6), VIDEO, checkpoint=Checkpoint(started=1, post="p"))
    assert end_of(facts) == "failed upstream video_interrupted"
    assert simulator.world.journal.entries == simulator.world.journal.entries.__class__(maxlen=10_000)


async def test_I2_a_film_that_was_finished_is_only_told(simulator):
    artifact = Artifact(kind="video", id="v", url="https://assets.grok.com/v.mp4")
    done = Checkpoint(started=1, finished=1, film="v", seconds=6, artifact=artifact)
    async with connected(simulator) as grok:
        assert artifacts(await make(grok, request(6), VIDEO, checkpoint=done)) == [artifact]
    assert not simulator.world.journal.entries


async def test_a_post_that_is_refused_is_no_film_that_was_asked_for(simulator):
    simulator.world.on(endpoint="post", fault="403-blocked")
    async with connected(simulator) as grok:
        facts = await make(grok, request(), VIDEO)
    assert summary(facts) == {"end": "failed blocked"}


async def test_a_film_that_stalls_is_given_up_and_may_be_under_way(simulator):
    simulator.world.on(endpoint="video", fault="pause@2=30")
    async with connected(simulator, video_silence=0.1) as grok:
        facts = await make(grok, request(), VIDEO)
    assert (end_of(facts), checkpoints(facts)[-1].at_rest) == ("failed timeout", False)
    async with connected(simulator, video_timeout=0.3) as grok:
        facts = await make(grok, request(), VIDEO)
    assert end_of(facts) == "failed timeout"


async def test_S13_leaving_a_film_closes_the_connection(simulator):
    simulator.world.on(endpoint="video", fault="pause@1=30")
    task = MediaTask(request=request(), model=BY_NAME[VIDEO], credential=ME)
    async with connected(simulator) as grok:
        async with aclosing(grok.media.make(task)) as told:
            async for facts in told:
                if summary(facts).get("percents"):
                    break
        entry = await simulator.world.journal.wait(lambda one: one.endpoint == "video" and one.ended != "open")
    assert entry.ended == "disconnected"


POST = FakeAnswer(pieces=[b'{"post":{"id":"p-1"}}'])


def lost(code):
    return TransportError(Problem(kind=Kind.UNREACHABLE, message="no", code=code))


@pytest.mark.parametrize(("code", "at_rest"), [("upstream_unreachable", True), (UNANSWERED, False)])
async def test_a_call_that_was_perhaps_read_is_a_film_that_is_perhaps_made(code, at_rest):
    http = FakeHttp(FakeAnswer(pieces=[b'{"post":{"id":"p-1"}}']), lost(code))
    maker = GrokMedia(http, FakeSockets(), Users(http), WebOptions, lambda: 0.0, lambda: "id")
    task = MediaTask(request=request(), model=BY_NAME[VIDEO], credential=ME)
    facts = [fact async for batch in maker.make(task) for fact in batch]
    assert (end_of(facts), checkpoints(facts)[-1].at_rest) == (f"failed unreachable {code}", at_rest)


async def test_the_checkpoint_is_told_before_the_call_is_sent():
    http = FakeHttp(FakeAnswer(pieces=[b'{"post":{"id":"p-1"}}']))
    maker = GrokMedia(http, FakeSockets(), Users(http), WebOptions, lambda: 0.0, lambda: "id")
    async with aclosing(maker.make(MediaTask(request=request(), model=BY_NAME[VIDEO], credential=ME))) as told:
        assert await anext(told) == [Reached(Checkpoint(started=1, post="p-1"))]
        assert [call.url for call in http.calls] == ["https://grok.com/rest/media/post/create"]


async def test_after_a_soft_end_without_a_film_the_rest_is_not_waited_for_long():
    body = b'{"result":{"response":{"streamingVideoGenerationResponse":{"videoId":"v","progress":9}}}}\n'
    soft = b'{"result":{"response":{"token":"Sorry.","isSoftStop":true}}}\n'
    http = FakeHttp(FakeAnswer(pieces=[b'{"post":{"id":"p-1"}}']), FakeAnswer(pieces=[body + soft], hangs=True))
    options = WebOptions(soft_stop_grace_sec=0.01, media=MediaOptions())
    maker = GrokMedia(http, FakeSockets(), Users(http), lambda: options, lambda: 0.0, lambda: "id")
    task = MediaTask(request=request(), model=BY_NAME[VIDEO], credential=ME)
    async with asyncio.timeout(2):
        facts = [fact async for batch in maker.make(task) for fact in batch]
    assert end_of(facts) == "failed empty video_generation_failed"
    assert not [fact for fact in facts if isinstance(fact, Made)]


async def test_a_film_comes_with_where_a_picture_of_it_is(simulator):
    async with connected(simulator) as grok:
        [artifact] = artifacts(await make(grok, request(), VIDEO))
        assert artifact.poster == artifact.url.replace("generated_video.mp4", "preview_image.jpg")
