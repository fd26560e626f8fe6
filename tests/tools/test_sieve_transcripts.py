"""Every pitfall as a transcript: the words of an answer, and what the sieve makes of them, however they are cut."""

import json
from pathlib import Path
from typing import Any

import pytest
from sieving import CUTS, run, told

FOLDER = Path(__file__).parent.parent / "transcripts" / "tools"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", CUTS)
def test_an_answer_comes_to_the_same_however_it_is_cut(name: str, cut: Any) -> None:
    text = (FOLDER / f"{name}.txt").read_text()
    assert told(run(cut(text))) == json.loads((FOLDER / f"{name}.json").read_text())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hold", [0, 7, 100_000])
def test_how_much_is_held_never_depends_on_the_cut(name: str, hold: int) -> None:
    text = (FOLDER / f"{name}.txt").read_text()
    answers = [told(run(cut(text), hold=hold)) for cut in CUTS]
    assert all(answer == answers[0] for answer in answers)
