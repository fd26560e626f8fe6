"""A film that was ordered: the order, how far it has come, and what came of it.

A film outlives the request that ordered it, and the process too. Its state is one value; a step of it is a new one.
"""

from enum import StrEnum

import msgspec

from grok2api.canonical.media import BEGINNING, Checkpoint


class Status(StrEnum):
    """What a client is told about a film."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self in (Status.COMPLETED, Status.FAILED)


class Film(msgspec.Struct, frozen=True, kw_only=True):
    """One film. Times are epoch seconds.

    model: as the client called it. pictures: how many came with the order; they are kept beside it until it is over.
    key, body: what the order is repeated by, and what it said; empty and unused without an idempotency key.
    account: whose it is, from its first call on. file: its id in the media cache.
    """

    id: str
    created_at: float
    model: str
    prompt: str
    seconds: int
    size: str
    resolution: str
    preset: str
    pictures: int = 0
    key: str | None = None
    body: str = ""
    status: Status = Status.QUEUED
    progress: int = 0
    account: str | None = None
    checkpoint: Checkpoint = BEGINNING
    file: str | None = None
    error_code: str = ""
    error_message: str = ""
    completed_at: float | None = None
