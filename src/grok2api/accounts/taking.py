"""Taking entries into the store, a batch at a time: an import, or the rehearsal of one.

Async, and it knows the store only by what it asks of it. A batch is judged, written, and told; then the next is read,
so that an import of any size needs the memory of one batch. A rehearsal does the same without the writing.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

import msgspec

from grok2api.accounts.importing.entries import Entry
from grok2api.accounts.importing.planning import Known, Planner, Row, Verdict
from grok2api.accounts.model import Account

BATCH = 2_000


class Directory(Protocol):
    """What an import asks of the store. Every method raises what the store raises."""

    async def known(self, secrets: Sequence[str]) -> Mapping[str, Known]:
        """What is here under these credentials."""
        ...

    async def add(self, fresh: Sequence[Account]) -> Mapping[str, str]:
        """Store these; the ids by credential. One that came back has its old id; one that is not named was left out,
        because its user is here already."""
        ...

    async def update(self, entries: Mapping[str, Entry]) -> None:
        """Give accounts, by id, what these entries say."""
        ...


async def take(
    entries: Iterable[Entry],
    directory: Directory,
    planner: Planner,
    new_id: Callable[[], str],
    now: float,
    *,
    rehearse: bool = False,
) -> AsyncIterator[list[Row]]:
    """The rows of each batch, once it is in the store; `rehearse` leaves the store as it is."""
    place = 0
    for batch in _batches(entries):
        known = await directory.known([entry.secret for entry in batch if not entry.error])
        rows = [planner.row(entry, known.get(entry.secret)) for entry in batch]
        if not rehearse:
            rows = await _written(batch, rows, directory, new_id, now + 1e-6 * place)
        place += len(batch)
        yield rows


async def _written(
    batch: Sequence[Entry], rows: Sequence[Row], directory: Directory, new_id: Callable[[], str], now: float
) -> list[Row]:
    """The rows after their writing, with the ids of the accounts that are new."""
    # Accounts are listed by age: a microsecond each keeps them in the order they were given.
    fresh = {
        place: entry.account(new_id(), now + 1e-6 * place)
        for place, (entry, row) in enumerate(zip(batch, rows, strict=True))
        if row.verdict in (Verdict.ADD, Verdict.RESTORE)
    }
    stored = await directory.add(list(fresh.values())) if fresh else {}
    changed = {
        row.account_id: entry
        for entry, row in zip(batch, rows, strict=True)
        if row.verdict is Verdict.UPDATE and row.account_id
    }
    if changed:
        await directory.update(changed)
    return [_told(row, fresh.get(place), stored) for place, row in enumerate(rows)]


def _told(row: Row, account: Account | None, stored: Mapping[str, str]) -> Row:
    if account is None:
        return row
    ident = stored.get(account.secret)
    if ident is None:
        return msgspec.structs.replace(row, verdict=Verdict.SAME, reason="its user has an account here already")
    verdict = Verdict.ADD if ident == account.id else Verdict.RESTORE
    return msgspec.structs.replace(row, verdict=verdict, account_id=ident)


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    waiting = iter(entries)
    while batch := list(islice(waiting, BATCH)):
        yield batch
