"""What a check comes to. Pure."""

from enum import StrEnum

import msgspec


class Grade(StrEnum):
    """How bad it is. Only `FAIL` makes the whole examination fail."""

    GOOD = "good"
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: what was seen and, unless it is good, how to mend it. Holds no secret."""

    subject: str
    grade: Grade
    seen: str
    mend: str = ""


def good(subject: str, seen: str) -> Finding:
    return Finding(subject, Grade.GOOD, seen)


def note(subject: str, seen: str, mend: str = "") -> Finding:
    """Nothing to worry about, but worth knowing."""
    return Finding(subject, Grade.NOTE, seen, mend)


def warn(subject: str, seen: str, mend: str) -> Finding:
    """It works, and will hurt one day."""
    return Finding(subject, Grade.WARN, seen, mend)


def fail(subject: str, seen: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(subject, Grade.FAIL, seen, mend)
