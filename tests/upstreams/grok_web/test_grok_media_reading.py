"""Edits and films against their transcripts, cut everywhere, and against noise."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_telling import OPTIONS, read, summary

from grok2api.canonical.events import Progressed
from grok2api.canonical.media import Made
from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.grok_web.media_reading import Reading

TRANSCRIPTS = {path.stem: path for path in (Path(__file__).parents[2] / "transcripts" / "grok_media").glob("*.ndjson")}
BODIES = {name: path.read_bytes() for name, path in TRANSCRIPTS.items()}
CUT = Problem(kind=Kind.CUT, message="cut")


def kind_of(name: str) -> str:
    return "video" if name.startswith("film") else "image"


def told(name: str, cuts=()):
    kind = kind_of(name)
    facts, reading = read(BODIES[name], kind, 1 if kind == "video" else 2, cuts)
    return summary(facts, reading.problem)


@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
def test_a_transcript_says_what_is_written_beside_it(name: str) -> None:
    assert told(name) == json.loads(TRANSCRIPTS[name].with_suffix(".json").read_text())


@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
def test_a_transcript_read_byte_by_byte_says_the_same(name: str) -> None:
    assert told(name, range(1, len(BODIES[name]))) == told(name)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(BODIES)), st.lists(st.integers(0, 3000), max_size=12))
def test_a_transcript_cut_anywhere_says_the_same(name: str, cuts: list[int]) -> None:
    assert told(name, [cut for cut in cuts if cut < len(BODIES[name])]) == told(name)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(BODIES)), st.integers(0, 3000))
def test_a_body_that_breaks_off_keeps_what_was_made_and_says_why_nothing_was(name: str, at: int) -> None:
    reading = Reading(OPTIONS, kind_of(name), 2)  # type: ignore[arg-type]
    facts = reading.feed(BODIES[name][:at])
    facts += reading.broken(CUT)
    assert reading.over
    assert (reading.problem is None) == (reading.made > 0)
    assert reading.made == sum(isinstance(fact, Made) for fact in facts)


PIECES = st.sampled_from(
    [
        b'{"result":{"response":{',
        b'"streamingImageGenerationResponse":{"imageId":"a","progress":100,"imageUrl":"users/u/generated/a/i.jpg"}',
        b'"streamingImageGenerationResponse":{"imageId":"b","progress":100,"moderated":true}',
        b'"streamingImageGenerationResponse":{"imageIndex":"x"}',
        b'"streamingVideoGenerationResponse":{"videoId":"v","progress":100,"videoUrl":"users/u/generated/v/v.mp4"}',
        b'"streamingVideoGenerationResponse":{"videoId":"v","progress":1e400}',
        b'"streamingVideoGenerationResponse":[]',
        b'"modelResponse":{"fileAttachments":["f",1,null],"generatedImageUrls":[1,"users/u/generated/c/i.jpg"]}',
        b'"modelResponse":{"fileAttachments":"f"}',
        b'"isSoftStop":true',
        b'"finalMetadata":{}',
        b"}}}\n",
        b'{"error":{"code":8}}\n',
        b",",
        b"\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=12) | PIECES, max_size=25), st.sampled_from(["image", "video"]), st.integers(1, 3))
def test_any_bytes_are_results_or_a_problem(pieces: list[bytes], kind: str, wanted: int) -> None:
    facts, reading = read(b"".join(pieces), kind, wanted)
    assert reading.over
    assert (reading.problem is None) == (reading.made > 0)
    assert reading.made == sum(isinstance(fact, Made) for fact in facts) <= wanted
    summary(facts)


def test_reading_stops_at_the_first_result_when_one_is_enough() -> None:
    facts, reading = read(BODIES["edit"], "image", 1)
    assert [fact.artifact.id for fact in facts if isinstance(fact, Made)] == ["ed17-0"]
    assert reading.over


def test_a_conversation_is_a_part_of_the_progress_of_the_whole_run() -> None:
    reading = Reading(OPTIONS, "video", span=(50, 100))
    facts = reading.feed(BODIES["film"])
    assert [fact.percent for fact in facts if isinstance(fact, Progressed)] == [78, 99, 100]


def test_numbers_of_results_go_on_from_those_before() -> None:
    reading = Reading(OPTIONS, "image", 2, first=3)
    assert [fact.slot for fact in reading.feed(BODIES["edit"]) if isinstance(fact, Made)] == [3, 4]


def test_what_was_said_instead_of_a_picture_is_kept_for_the_log() -> None:
    _, reading = read(BODIES["edit_only_words"], "image")
    assert reading.problem is not None
    assert reading.problem.evidence == b"I cannot do that."
    assert "cannot" not in reading.problem.message


def test_results_without_a_url_wait_for_the_users_id() -> None:
    reading = Reading(OPTIONS, "video")
    reading.feed(BODIES["film_without_url"])
    reading.close()
    assert reading.unnamed == ("a55e7002",)
    [_, fact] = reading.resolve("u 9")
    assert isinstance(fact, Made)
    assert fact.artifact.url == "https://assets.grok.com/users/u%209/a55e7002/content"
    assert fact.artifact.id == "71de-1"
    assert (reading.unnamed, reading.problem) == ((), None)
