"""What an import would do, entry by entry, before anything is done.

Pure. A planner is told entries in their order and, for each, what is known of its credential here; it answers with a
verdict. The same planner serves a rehearsal and the import itself, so that they cannot differ. It keeps a short print
of each credential it has seen, and no entries.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from grok2api.accounts.credentials import mask
from grok2api.accounts.importing.entries import Entry
from grok2api.accounts.model import Account, moved
from grok2api.catalog import Tier


class OnExisting(StrEnum):
    """What happens to accounts that are here already."""

    SKIP = "skip"
    UPDATE = "update"


class Verdict(StrEnum):
    """What becomes of an entry."""

    ADD = "add"
    RESTORE = "restore"  # it was deleted here
    UPDATE = "update"
    SAME = "same"  # it is here already, and stays as it is
    DUPLICATE = "duplicate"  # of an entry before it
    GONE = "gone"  # it was deleted where it comes from
    INVALID = "invalid"


class Known(msgspec.Struct, frozen=True):
    """What is here under the credential of an entry. Tier and tags are told when updates are wanted."""

    account_id: str
    tier: Tier | None = None
    tags: tuple[str, ...] = ()
    deleted: bool = False


class Row(msgspec.Struct, frozen=True):
    """An entry and its verdict. `token` is masked; `changes` says what an update would do, `reason` what is wrong."""

    where: str
    verdict: Verdict
    token: str = ""
    tier: Tier | None = None
    tags: tuple[str, ...] = ()
    account_id: str = ""
    changes: tuple[str, ...] = ()
    reason: str = ""


class Plan(msgspec.Struct, frozen=True):
    """Every row, and how many there are of each verdict."""

    rows: tuple[Row, ...]
    totals: Mapping[Verdict, int]


class Planner:
    """Verdicts for entries in their order."""

    def __init__(self, on_existing: OnExisting = OnExisting.SKIP) -> None:
        self._on_existing = on_existing
        self._seen: set[bytes] = set()

    def row(self, entry: Entry, known: Known | None) -> Row:
        """The verdict on the next entry; `known` is what is here under its credential."""
        if entry.error:
            return Row(entry.where, Verdict.GONE if entry.gone else Verdict.INVALID, reason=entry.error)
        verdict, changes = self._verdict(entry, known)
        ident = "" if known is None else known.account_id
        return Row(entry.where, verdict, mask(entry.secret), entry.tier, entry.tags, ident, changes)

    def _verdict(self, entry: Entry, known: Known | None) -> tuple[Verdict, tuple[str, ...]]:
        print_ = hashlib.blake2b(entry.secret.encode(), digest_size=16).digest()
        if print_ in self._seen:
            return Verdict.DUPLICATE, ()
        self._seen.add(print_)
        if known is None:
            return Verdict.ADD, ()
        if known.deleted:
            return Verdict.RESTORE, ()
        changes = tuple(_changes(entry, known)) if self._on_existing is OnExisting.UPDATE else ()
        return (Verdict.UPDATE, changes) if changes else (Verdict.SAME, ())


def plan(entries: Iterable[Entry], known: Mapping[str, Known], on_existing: OnExisting = OnExisting.SKIP) -> Plan:
    """The whole plan for entries; `known` by credential."""
    planner = Planner(on_existing)
    rows = tuple(planner.row(entry, known.get(entry.secret)) for entry in entries)
    return Plan(rows, totals(rows))


def totals(rows: Iterable[Row]) -> dict[Verdict, int]:
    """How many rows there are of each verdict; every verdict is named."""
    return dict.fromkeys(Verdict, 0) | Counter(row.verdict for row in rows)


def _changes(entry: Entry, known: Known) -> Iterator[str]:
    if entry.tier is not None and entry.tier is not known.tier:
        yield f"pool {known.tier} -> {entry.tier}"
    lacking = [tag for tag in entry.tags if tag not in known.tags]
    if lacking:
        yield f"tags + {', '.join(lacking)}"


def updated(account: Account, entry: Entry) -> Account:
    """The account with the tags that it lacks, in the pool that the entry names. What else is known here stays."""
    if entry.tier is not None:
        account = moved(account, entry.tier)
    return msgspec.structs.replace(account, tags=tuple(dict.fromkeys((*account.tags, *entry.tags))))
