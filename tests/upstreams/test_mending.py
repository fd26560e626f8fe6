"""What a mender makes of frames that strict JSON refuses."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.upstreams.mending import Mender


def texts(*frames: bytes, running: str = "token") -> list[str | None]:
    mender = Mender(running)
    mended = [mender.mend(frame) for frame in frames]
    return [None if frame is None else json.loads(frame)[running] for frame in mended]


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([rb'{"token":"a \ud83d"}', rb'{"token":"\ude00 b"}'], ["a ", "😀 b"]),
        ([rb'{"token":"\ud83d"}', rb'{"token":"\ude00\ud83d"}', rb'{"token":"\ude01"}'], ["", "😀", "😁"]),
        ([rb'{"token":"a \ud83d b"}'], ["a \ufffd b"]),
        ([rb'{"token":"\ude00 b"}'], ["\ufffd b"]),
        ([rb'{"token":"a\ud83d"}', rb'{"token":"b\ud83d c"}'], ["a", "\ufffdb\ufffd c"]),
        ([b'{"token":"a \xff b"}'], ["a \ufffd b"]),
        ([b'{"token":"a \t b"}'], ["a \t b"]),
        ([b'{"token":"a'], [None]),
        ([b"[" * 100_000], [None]),
    ],
)
def test_text_that_runs_on_is_made_whole(frames: list[bytes], said: list[str | None]) -> None:
    assert texts(*frames) == said


def test_another_member_does_not_run_on() -> None:
    mender = Mender("token")
    first = mender.mend(rb'{"note":"x\ud83d","token":"a\ud83d"}')
    second = mender.mend(rb'{"note":"\ude00y","token":"\ude00"}')
    assert first is not None
    assert json.loads(first) == {"note": "x\ufffd", "token": "a"}
    assert second is not None
    assert json.loads(second) == {"note": "\ufffdy", "token": "😀"}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_become_json_or_nothing(data: bytes) -> None:
    mended = Mender("token").mend(data)
    assert mended is None or json.loads(mended) is not Ellipsis
