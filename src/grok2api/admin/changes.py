"""`GET changes` and `POST changes/{id}/undo`: what was administered, by whom, and how to take it back."""

from typing import Annotated

import msgspec

from grok2api.admin.codes import refuse
from grok2api.admin.parts import Change, Parts
from grok2api.admin.route import Call
from grok2api.admin.rows import millis
from grok2api.admin.writing import undo

_LARGEST_ID = 2**53


class ChangesQuery(msgspec.Struct, frozen=True):
    """Which part of the audit."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500, description="Changes at once.")] = 50
    before: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=_LARGEST_ID)] | None,
        msgspec.Meta(description="Only changes with smaller numbers."),
    ] = None


class ChangeRow(msgspec.Struct, frozen=True):
    """One change. count: accounts. undoable: whether it can be taken back now; for a day it can."""

    id: int
    at: int
    actor: str
    action: str
    detail: str
    count: int
    undoable: bool
    undone_at: int | None


class Changes(msgspec.Struct, frozen=True):
    """The newest first."""

    changes: list[ChangeRow]
    has_more: bool


class UndoneChange(msgspec.Struct, frozen=True):
    """count: accounts that were put back. skipped: ids of those that others have changed since in a way that stands."""

    status: str
    count: int
    skipped: tuple[str, ...]


async def list_changes(parts: Parts, call: Call[ChangesQuery, None]) -> Changes:
    """Everything that was administered, here and on the command line."""
    found = await parts.store.changes(call.query.limit + 1, call.query.before)
    now = parts.now()
    return Changes([_row(change, now) for change in found[: call.query.limit]], len(found) > call.query.limit)


async def undo_change(parts: Parts, call: Call[None, None]) -> UndoneChange:
    """Puts the accounts back to what they were, as far as the change touched them. Counters stay."""
    ident = call.path["id"]
    number = int(ident) if ident.isascii() and ident.isdigit() and len(ident) < 16 else 0
    found = await parts.store.changes(1, number + 1) if number else ()
    if not found or found[0].id != number:
        raise refuse("change_not_found", "There is no such change; GET changes lists them", "id")
    if not _undoable(found[0], parts.now()):
        raise refuse("change_not_undoable", "The change is undone already, or is more than a day old", "id")
    done = await undo(parts, number)
    return UndoneChange("success", done.count, done.skipped)


def _undoable(change: Change, now: float) -> bool:
    return change.undone_at is None and change.undo_until is not None and now <= change.undo_until


def _row(change: Change, now: float) -> ChangeRow:
    return ChangeRow(
        id=change.id,
        at=int(change.at * 1000),
        actor=change.actor,
        action=change.action,
        detail=change.detail,
        count=change.count,
        undoable=_undoable(change, now),
        undone_at=millis(change.undone_at),
    )
