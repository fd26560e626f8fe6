"""Pictures through the adapter, against the simulator with everything that goes wrong there."""

import asyncio
from contextlib import aclosing

import pytest
from media_rig import EDIT, IMAGE, LITE, ME, PRO, artifacts, connected, fetch, make, sent
from media_telling import summary

from grok2api.canonical.events import Failed, Previewed
from grok2api.canonical.media import EditRequest, ImageRequest
from grok2api.canonical.problem import Kind
from grok2api.catalog import BY_NAME
from grok2api.simulator.script import Picture, Script, say
from grok2api.upstreams.media import FileRef, MediaTask


def prompt(words=""):
    return " ".join(["a lighthouse", *(f"sim:{word}" for word in words.split())])


def end_of(facts):
    return summary(facts)["end"]


# --- the imagine socket


@pytest.mark.parametrize(("model", "n", "rounds"), [(IMAGE, 1, 1), (IMAGE, 7, 2), (PRO, 4, 1), (PRO, 10, 3)])
async def test_as_many_pictures_come_as_are_asked_for_and_open_without_a_cookie(simulator, model, n, rounds):
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt(), n=n, ratio="2:3"), model)
        told = summary(facts)
        assert (told["percents"][-1], told["end"]) == (100, f"completed {n} 0")
        files = [await fetch(grok, artifact) for artifact in artifacts(facts)]
        assert files == [artifact.data for artifact in artifacts(facts)]
    assert len(set(files)) == n
    entries = simulator.world.journal.of("imagine")
    assert [entry.body["properties"]["enable_pro"] for entry in entries] == [model == PRO] * rounds
    assert len(simulator.world.journal.of("imagine_handshake")) == 1, "rounds share a connection"
    assert not any(entry.notes for entry in [*entries, *simulator.world.journal.of("public")])


async def test_previews_come_before_their_pictures(simulator):
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt(), n=2))
    previews = [fact for fact in facts if isinstance(fact, Previewed)]
    assert [(one.slot, one.percent, one.mime) for one in previews] == [
        (slot, percent, "image/jpeg") for percent in (40, 80) for slot in (0, 1)
    ]


#: word -> the end, the handshakes that were needed.
IMAGINE = {
    "shuffled": ("completed 3 0", 1),
    "blob-uri": ("completed 3 0", 1),
    "url-only": ("completed 3 0", 1),
    "relative": ("completed 3 0", 1),
    "job-names": ("completed 3 0", 1),
    "png": ("completed 3 0", 1),
    "webp": ("completed 3 0", 1),
    "unknown": ("completed 3 0", 1),
    "slots@1": ("completed 3 0", 1),
    "slots@9": ("completed 3 0", 1),
    "withheld@1": ("completed 2 3", 1),
    "withheld": ("failed refused content_moderated", 1),
    "bye": ("completed 3 0", 1),
    "drop": ("completed 3 0", 1),
    "slots@1 bye": ("completed 3 0", 3),
    "slots@1 drop": ("completed 3 0", 3),
    "bye@7": ("completed 3 0", 2),
    "drop@7": ("completed 3 0", 2),
    "bye@2": ("completed 3 0", 2),
    "drop@0": ("failed cut stream_cut", 2),
    "bye@0": ("failed empty image_generation_incomplete", 2),
    "reset@300": ("failed cut stream_cut", 2),
    "error": ("failed rate_limited", 1),
    "error=7": ("failed challenge", 1),
    "error@7=13": ("failed upstream", 1),
    "429": ("failed rate_limited", 1),
    "403-moderated": ("failed refused content_moderated", 1),
}


@pytest.mark.parametrize("words", IMAGINE)
async def test_a_round_that_goes_otherwise_ends_as_it_should(simulator, words):
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt(words), n=3))
        for artifact in artifacts(facts):
            if not artifact.preview:
                assert await fetch(grok, artifact) == (artifact.data or await fetch(grok, artifact))
    handshakes = len(simulator.world.journal.of("imagine_handshake"))
    assert (end_of(facts), handshakes) == IMAGINE[words]


@pytest.mark.parametrize("word", ["bye", "drop"])
async def test_a_socket_that_is_closed_after_each_round_is_opened_anew_and_no_round_is_lost(simulator, word):
    async with connected(simulator) as grok:
        assert end_of(await make(grok, ImageRequest(prompt=prompt(word), n=7))) == "completed 7 0"
    journal = simulator.world.journal
    assert [len(journal.of(name)) for name in ("imagine_handshake", "imagine")] == [2, 2]


async def test_what_was_made_before_an_error_is_told(simulator):
    simulator.world.on(endpoint="imagine", fault=["slots@1", "bye"], times=1)
    simulator.world.on(endpoint="imagine_handshake", fault="429=7", nth=2)
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt(), n=2))
    assert (len(artifacts(facts)), end_of(facts)) == (1, "failed rate_limited")
    assert facts[-1].problem.retry_after == 7


async def test_a_preview_is_the_answer_when_every_round_breaks(simulator):
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt("bye@2"), n=2))
    assert [artifact.preview for artifact in artifacts(facts)] == [True, True]
    assert all(artifact.data for artifact in artifacts(facts))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("401", Kind.CREDENTIAL),
        ("401-bare", Kind.UNAUTHORIZED),
        ("403-blocked", Kind.BLOCKED),
        ("403-challenge", Kind.CHALLENGE),
        ("403", Kind.FORBIDDEN),
        ("429", Kind.RATE_LIMITED),
        ("503", Kind.UPSTREAM_DOWN),
    ],
)
async def test_a_refused_handshake_is_judged_like_any_answer(simulator, fault, kind):
    simulator.world.on(endpoint="imagine_handshake", fault=fault)
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt()))
    assert [type(fact) for fact in facts] == [Failed]
    assert facts[0].problem.kind is kind


async def test_S7_a_socket_that_falls_silent_ends_with_what_there_is(simulator):
    simulator.world.on(endpoint="imagine", fault="pause@5=30")
    async with connected(simulator, image_silence=0.5) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt(), n=2))
    assert (len(artifacts(facts)), end_of(facts)) == (2, "completed 2 0")
    assert [artifact.preview for artifact in artifacts(facts)] == [False, True]
    simulator.world.on(endpoint="imagine", fault="silent=30")
    async with connected(simulator, image_silence=0.1) as grok:
        assert end_of(await make(grok, ImageRequest(prompt=prompt()))) == "failed timeout"


async def test_a_round_may_not_take_longer_than_the_whole_time(simulator):
    simulator.world.on(endpoint="imagine", fault="slow=0.2")
    async with connected(simulator, image_timeout=0.5) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt()))
    assert (end_of(facts), [artifact.preview for artifact in artifacts(facts)]) == ("completed 1 0", [True])
    await simulator.world.journal.wait(lambda one: one.endpoint == "imagine" and one.ended == "disconnected")


async def test_S13_leaving_a_run_closes_the_socket(simulator):
    simulator.world.on(endpoint="imagine", fault="pause@1=30")
    task = MediaTask(request=ImageRequest(prompt=prompt()), model=BY_NAME[IMAGE], credential=ME)
    async with connected(simulator) as grok:
        async with aclosing(grok.media.make(task)) as told:
            await anext(told)
        entry = await simulator.world.journal.wait(lambda one: one.endpoint == "imagine" and one.ended != "open")
    assert entry.ended == "disconnected"


async def test_a_socket_is_kept_open_by_pings(simulator):
    simulator.world.on(endpoint="imagine", fault="pause@1=0.1")
    async with connected(simulator, ping_sec=0.01) as grok:
        assert end_of(await make(grok, ImageRequest(prompt=prompt()))) == "completed 1 0"
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "grok_web heartbeat"]


# --- a chat that draws


async def test_a_lite_picture_is_the_first_that_is_whole_and_belongs_to_the_account(simulator):
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt()), LITE)
        [artifact] = artifacts(facts)
        assert (artifact.bound, summary(facts)["percents"]) == (True, [33, 66, 99, 100])
        assert (await fetch(grok, artifact)).startswith(b"\xff\xd8")
    assert simulator.world.journal.of("web")[0].mode == "fast"
    assert end_of(facts) == "completed 1 0"


CHAT = {
    "withheld": "failed refused content_moderated",
    "withheld@1": "completed 1 1",
    "unfinished@2": "failed empty image_generation_incomplete",
    "empty": "failed empty image_generation_incomplete",
    "only-thinking": "failed empty image_generation_incomplete",
    "decline": "failed empty image_generation_incomplete",
    "429=9": "failed rate_limited",
    "401": "failed credential",
    "503": "failed upstream_down",
    "error": "failed rate_limited",
    "error-nested=7": "failed challenge",
    "error-late@0": "completed 1 0",
    "cut@10": "failed cut stream_cut",
    "html": "failed upstream",
    "glued": "completed 1 0",
    "prefixed": "completed 1 0",
    "flat": "completed 1 0",
    "no-end": "completed 1 0",
    "split@5": "completed 1 0",
    "gzip": "completed 1 0",
    "png": "completed 1 0",
}


@pytest.mark.parametrize("words", CHAT)
async def test_a_drawing_that_goes_otherwise_ends_as_it_should(simulator, words):
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt(words)), LITE)
    assert end_of(facts) == CHAT[words]


async def test_a_refusal_in_words_is_no_picture(simulator):
    simulator.world.on(script=say("I will not draw that."))
    async with connected(simulator) as grok:
        facts = await make(grok, ImageRequest(prompt=prompt()), LITE)
    assert facts[-1].problem.evidence == b"I will not draw that."


async def test_a_drawing_that_stalls_is_given_up(simulator):
    simulator.world.on(fault="silent=30")
    async with connected(simulator, image_silence=0.1) as grok:
        assert end_of(await make(grok, ImageRequest(prompt=prompt()), LITE)) == "failed timeout"
    simulator.world.on(fault="silent-head=30")
    async with connected(simulator, image_timeout=0.1) as grok:
        assert end_of(await make(grok, ImageRequest(prompt=prompt()), LITE)) == "failed timeout"


# --- an edit


@pytest.mark.parametrize(
    ("calls", "n", "asked"), [("posts", 1, 1), ("posts", 2, 1), ("direct", 1, 1), ("direct", 2, 2)]
)
async def test_an_edit_makes_as_many_as_asked_in_either_form(simulator, calls, n, asked):
    async with connected(simulator, calls=calls) as grok:
        references = await sent(grok, 2)
        facts = await make(grok, EditRequest(prompt="put @IMAGE2 on it", n=n), EDIT, references=references)
        assert [(await fetch(grok, one))[:2] for one in artifacts(facts)] == [b"\xff\xd8"] * n
    told = summary(facts)
    assert (told["percents"][-1], told["end"]) == (100, f"completed {n} 0")
    assert [one[0] for one in told["made"]] == [str(slot) for slot in range(n)]
    entries = simulator.world.journal.of("edit")
    assert [entry.body["message"] for entry in entries] == [f"put @{references[1].id} on it"] * asked
    assert len(simulator.world.journal.of("post")) == (calls == "posts")
    assert not any(entry.notes for entry in simulator.world.journal.entries)


async def test_an_edit_that_brings_one_of_two_is_asked_for_once_more(simulator):
    simulator.world.on(endpoint="edit", fault="slots@1", times=1)
    async with connected(simulator) as grok:
        facts = await make(grok, EditRequest(prompt="Add", n=2), EDIT, references=await sent(grok))
    assert end_of(facts) == "completed 2 0"
    assert len(simulator.world.journal.of("edit")) == 2
    assert len(simulator.world.journal.of("post")) == 1


#: word -> the end of an edit for two.
EDITS = {
    "withheld": "failed refused content_moderated",
    "withheld@1": "completed 2 2",
    "slots@1": "completed 2 0",
    "no-final-frame": "completed 2 0",
    "no-final-frame no-urls": "completed 2 0",
    "unfinished@2": "failed empty image_generation_incomplete",
    "empty": "failed empty image_generation_incomplete",
    "error": "failed rate_limited",
    "error@3=13": "failed upstream_down",
    "403-moderated": "failed refused content_moderated",
    "429": "failed rate_limited",
    "400": "failed upstream_invalid",
    "404": "failed upstream upstream_file_not_found",
    "drop@1": "failed cut stream_cut",
    "drop@5": "completed 2 0",
    "eof": "failed empty image_generation_incomplete",
    "html": "failed upstream",
    "no-soft-stop": "completed 2 0",
    "unknown": "completed 2 0",
}


@pytest.mark.parametrize("words", EDITS)
async def test_an_edit_that_goes_otherwise_ends_as_it_should(simulator, words):
    async with connected(simulator) as grok:
        facts = await make(grok, EditRequest(prompt=prompt(words), n=2), EDIT, references=await sent(grok))
        for artifact in artifacts(facts):
            assert (await fetch(grok, artifact)).startswith(b"\xff\xd8")
    assert end_of(facts) == EDITS[words]


async def test_a_picture_that_is_the_accounts_no_more_is_ours_to_send_again(simulator):
    async with connected(simulator, calls="direct") as grok:
        facts = await make(grok, EditRequest(prompt="Add"), EDIT, references=(FileRef("gone", "x"),))
    assert facts[-1].problem.code == "upstream_file_not_found"


async def test_a_post_that_is_refused_fails_before_anything_is_drawn(simulator):
    simulator.world.on(endpoint="post", fault="429")
    async with connected(simulator) as grok:
        facts = await make(grok, EditRequest(prompt="Add"), EDIT, references=await sent(grok))
    assert end_of(facts) == "failed rate_limited"
    assert simulator.world.journal.of("edit") == []


async def test_a_script_decides_what_an_edit_brings(simulator):
    simulator.world.on(endpoint="edit", script=Script(steps=(Picture(moderated=True), Picture(form="webp"))))
    async with connected(simulator) as grok:
        facts = await make(grok, EditRequest(prompt="Add"), EDIT, references=await sent(grok))
        assert (await fetch(grok, artifacts(facts)[0]))[8:12] == b"WEBP"
    assert end_of(facts) == "completed 1 1"
