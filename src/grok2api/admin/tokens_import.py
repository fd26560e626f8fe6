"""`POST tokens/import`: accounts in any known form, any number of them, with a rehearsal that says what would happen.

The body is a file as `accounts export` writes it, or another program's; a database file too. It is read in a thread
and taken in some accounts at a time, so memory does not grow with their number and streams go on meanwhile. Each part
is one administrative change; an import that breaks off can be repeated: what is here already is left as it is.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import islice
from typing import Annotated

import msgspec

from grok2api.accounts.importing import Entry, Form, Reading, read
from grok2api.accounts.importing.planning import Known, OnExisting, Planner, Verdict, updated
from grok2api.accounts.importing.planning import Row as Planned
from grok2api.accounts.model import Account
from grok2api.accounts.taking import take
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.admin.tags import checked
from grok2api.admin.tokens_add import Where
from grok2api.admin.writing import in_force, noted
from grok2api.canonical.problem import Refusal
from grok2api.intake.errors import SourceError
from grok2api.intake.sources import entries as entries_of_file
from grok2api.storage.errors import StoreError

#: Accounts in one change, and entries that are told one by one.
PART = 2000
_TOLD = 1000

_SQLITE = b"SQLite format 3\x00"

#: Entries that nobody has to be told about one by one.
_QUIET = (Verdict.SAME, Verdict.DUPLICATE)

More = Callable[[], Awaitable[list[Entry]]]


class ImportQuery(msgspec.Struct, frozen=True):
    """How the file is read."""

    format: Annotated[Form, msgspec.Meta(description="Its form; told by the content unless named.")] = Form.AUTO
    pool: Annotated[Where, msgspec.Meta(description="The pool of accounts that name none.")] = Where.AUTO
    tags: Annotated[str, msgspec.Meta(max_length=4096, description="Tags for all of them, separated by commas.")] = ""
    on_existing: Annotated[OnExisting, msgspec.Meta(description="What happens to accounts that are here already.")] = (
        OnExisting.SKIP
    )
    dry_run: Annotated[bool, msgspec.Meta(description="Only say what would happen.")] = False


class ImportRow(msgspec.Struct, frozen=True):
    """What becomes of one entry; its token is masked. `where` is its place in the file."""

    where: str
    verdict: str
    id: str
    token: str
    pool: str
    tags: tuple[str, ...]
    changes: tuple[str, ...]
    reason: str


class Imported(msgspec.Struct, frozen=True):
    """totals: entries by what became, or would become, of them. rows: the first thousand that are not simply skipped.
    change_ids: the changes that undo it, one for each part.
    """

    status: str
    dry_run: bool
    totals: Mapping[str, int]
    rows: tuple[ImportRow, ...]
    change_ids: tuple[int, ...]


async def import_tokens(parts: Parts, call: Call[ImportQuery, bytes]) -> Imported:
    """Twice is the same as once. One bad entry does not spoil the others; it is told with its reason."""
    query = call.query
    reading = Reading(pool=query.pool.value, tags=checked(query.tags.split(",")), now=parts.now())
    directory = _Directory(parts, details=query.on_existing is OnExisting.UPDATE)
    taken = _Taken()
    await parts.flush()
    try:
        async with _read_apart(call.body, reading, query.format) as more:
            await _take_in(parts, query, more, directory, taken)
    except StoreError as error:
        raise _broke_off(error, directory) from None
    finally:
        if directory.change_ids:
            await in_force(parts)
    if taken.totals.total() == taken.totals[Verdict.INVALID]:
        reason = f": {taken.rows[0].where} {taken.rows[0].reason}" if taken.rows else ""
        raise refuse("invalid_format", f"The body holds no account{reason}")
    totals = {verdict.value: number for verdict, number in taken.totals.items()}
    return Imported("success", query.dry_run, totals, tuple(taken.rows), tuple(directory.change_ids))


class _Taken:
    """What has become of entries so far."""

    def __init__(self) -> None:
        self.totals: Counter[Verdict] = Counter(dict.fromkeys(Verdict, 0))
        self.rows: list[ImportRow] = []

    def add(self, rows: Iterable[Planned]) -> None:
        for row in rows:
            self.totals[row.verdict] += 1
            if row.verdict not in _QUIET and len(self.rows) < _TOLD:
                self.rows.append(_row(row))


async def _take_in(parts: Parts, query: ImportQuery, more: More, directory: "_Directory", taken: _Taken) -> None:
    planner = Planner(query.on_existing)
    while entries := await more():
        now = parts.now() + 1e-6 * taken.totals.total()
        async for rows in take(entries, directory, planner, parts.new_id, now, rehearse=query.dry_run):
            taken.add(rows)


def _broke_off(error: StoreError, directory: "_Directory") -> Refusal:
    done = len(directory.change_ids)
    kept = f"{done} parts of the import are kept; repeat it for the rest." if done else "Nothing was changed."
    return refuse("storage_unavailable", f"{error} {kept}", retry_after=5)


@asynccontextmanager
async def _read_apart(body: bytes, reading: Reading, form: Form) -> AsyncIterator[More]:
    """Reads the body in one thread of its own: database drivers do not like to be handed about."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, thread_name_prefix="import") as executor:
        entries = _entries(body, reading, form)

        async def more() -> list[Entry]:
            try:
                return await loop.run_in_executor(executor, lambda: list(islice(entries, PART)))
            except SourceError as error:
                raise refuse("invalid_format", str(error)) from None

        try:
            yield more
        finally:
            await loop.run_in_executor(executor, entries.close)


def _entries(body: bytes, reading: Reading, form: Form) -> Generator[Entry, None, None]:
    if not body.startswith(_SQLITE):
        yield from read([body], reading, form)
        return
    with tempfile.NamedTemporaryFile(prefix="grok2api-import-") as file:
        file.write(body)
        file.flush()
        yield from entries_of_file(file.name, reading)


class _Directory:
    """The store as an import sees it. `details`: tiers and tags are wanted."""

    def __init__(self, parts: Parts, *, details: bool) -> None:
        self._parts = parts
        self._details = details
        self.change_ids: list[int] = []

    async def known(self, secrets: Sequence[str]) -> Mapping[str, Known]:
        found = await self._parts.store.find(secrets)
        if not self._details:
            return {secret: Known(ident) for secret, ident in found.items()}
        accounts = {account.id: account for account in await self._parts.store.get(found.values())}
        return {
            secret: Known(ident, accounts[ident].tier, accounts[ident].tags)
            for secret, ident in found.items()
            if ident in accounts
        }

    async def add(self, fresh: Sequence[Account]) -> Mapping[str, str]:
        done = await self._parts.store.add(fresh, noted(self._parts, "import"))
        self._keep(done.change_id)
        return {account.secret: account.id for account in done.added}

    async def update(self, entries: Mapping[str, Entry]) -> None:
        note = noted(self._parts, "import")
        done = await self._parts.store.change(list(entries), lambda one: updated(one, entries[one.id]), note)
        self._keep(done.change_id)

    def _keep(self, change_id: int | None) -> None:
        if change_id is not None:
            self.change_ids.append(change_id)


def _row(row: Planned) -> ImportRow:
    pool = "" if row.tier is None else row.tier.value
    return ImportRow(row.where, row.verdict.value, row.account_id, row.token, pool, row.tags, row.changes, row.reason)
