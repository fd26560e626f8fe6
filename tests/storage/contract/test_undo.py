"""Undoing changes, each kind, for a day and once."""

import msgspec
import pytest
import sqlalchemy as sa

from grok2api.accounts.lifecycle import disabled, enabled
from grok2api.accounts.model import DAY, Account, Kind, Rest, State, Window, moved, new_account
from grok2api.accounts.query import Note
from grok2api.catalog import Tier
from grok2api.storage.accounts import AccountStore
from grok2api.storage.audit import KEPT_SEC
from grok2api.storage.errors import StoreConflict
from grok2api.storage.tables import audit_items
from grok2api.storage.write_behind import Served

NOW = 1000.0

replace = msgspec.structs.replace


def note(action: str, at: float = NOW) -> Note:
    return Note(action=action, actor="admin", at=at, detail="a line")


def account(number: int, **more: object) -> Account:
    made = new_account(f"acc_{number}", f"MARKED-{number}", Kind.WEB, Tier.SUPER, float(number), tags=("a",))
    lived = replace(made, rests={"fast": Rest(5000.0, 1.0, None, 2, "limited")}, health=0.3, strikes=(1.0,))
    return replace(lived, **more)


@pytest.fixture
async def full(store: AccountStore):
    await store.add([account(number) for number in range(4)])
    return store


async def stored(store: AccountStore, *, keeping: str = "") -> list[Account]:
    return [replace(one, revision=0) for one in await store.load()]


CHANGES = {
    "disable": disabled,
    "enable": enabled,
    "tags": lambda one: replace(one, tags=("b", "c")),
    "pool": lambda one: moved(one, Tier.HEAVY),
    "credential": lambda one: replace(one, secret=f"{one.secret}-new", kind=Kind.API),
    "several": lambda one: replace(disabled(moved(one, Tier.BASIC)), tags=(), user_id=one.id),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_is_undone(full: AccountStore, what: str) -> None:
    before = await stored(full)
    done = await full.change(["acc_1", "acc_2"], CHANGES[what], note(what))
    assert done.change_id is not None
    assert await stored(full) != before
    revision = await full.revision()
    undone = await full.undo(done.change_id, note("undo", NOW + 5))
    assert (undone.count, undone.skipped) == (2, ())
    assert await stored(full) == before
    assert await full.revision() == revision + 1
    assert {one.id for one in await full.load(since=revision)} == {"acc_1", "acc_2"}


async def test_counters_and_what_others_changed_since_stay(full: AccountStore) -> None:
    done = await full.change(["acc_1"], disabled, note("disable"))
    (now,) = await full.get(["acc_1"])
    windows = {**now.windows, "auto": Window(1, 50, 7200)}
    await full.write_runtime([Served(replace(now, last_used_at=9.0, windows=windows), 42 - now.use_count)])
    await full.change(["acc_1"], lambda one: replace(one, tags=("later",)), note("tags"))
    await full.undo(done.change_id, note("undo"))
    (found,) = await full.get(["acc_1"])
    assert found.state is State.ACTIVE
    assert (found.use_count, found.last_used_at, found.tags) == (42, 9.0, ("later",))
    assert found.windows == windows


async def test_adding_is_undone(full: AccountStore) -> None:
    before = await stored(full)
    await full.remove(["acc_3"], note("remove"))
    done = await full.add([account(8), account(9, secret="MARKED-3", tags=("new",)), account(0)], note("add"))
    assert (len(done.added), done.restored, done.known) == (2, ("acc_3",), ("acc_0",))
    undone = await full.undo(done.change_id, note("undo"))
    assert (undone.count, undone.skipped) == (2, ())
    assert await stored(full) == before[:3]
    assert (await full.add([account(3)])).restored == ("acc_3",)


async def test_removing_is_undone(full: AccountStore) -> None:
    before = await stored(full)
    done = await full.remove(["acc_0", "acc_2", "acc_9"], note("remove"))
    assert done.count == 2
    assert (await full.undo(done.change_id, note("undo"))).count == 2
    assert await stored(full) == before


async def test_what_cannot_be_put_back_is_skipped_and_said(full: AccountStore) -> None:
    removed = await full.remove(["acc_0", "acc_1", "acc_2"], note("remove"))
    await full.add([account(7, secret="MARKED-0"), account(8, user_id="u")])
    await full.change(["acc_8"], lambda one: replace(one, secret="MARKED-1"))
    undone = await full.undo(removed.change_id, note("undo"))
    assert (undone.count, sorted(undone.skipped)) == (1, ["acc_0", "acc_1"])
    assert await full.ids() == {"acc_0", "acc_2", "acc_3", "acc_8"}
    changed = await full.change(["acc_2", "acc_3"], disabled, note("disable"))
    await full.remove(["acc_3"])
    assert (await full.undo(changed.change_id, note("undo"))).skipped == ("acc_3",)


async def test_a_change_is_undone_once_and_for_a_day(full: AccountStore) -> None:
    done = await full.change(["acc_1"], disabled, note("disable"))
    with pytest.raises(StoreConflict, match="possible for a day"):
        await full.undo(done.change_id, note("undo", NOW + DAY + 1))
    await full.undo(done.change_id, note("undo", NOW + DAY))
    with pytest.raises(StoreConflict, match="undone already"):
        await full.undo(done.change_id, note("undo", NOW + DAY))
    with pytest.raises(StoreConflict, match="No change"):
        await full.undo(999, note("undo"))
    newest = (await full.changes(1))[0]
    with pytest.raises(StoreConflict, match="no longer"):
        await full.undo(newest.id, note("undo"))


async def test_the_audit_tells_who_did_what_the_newest_first(full: AccountStore) -> None:
    first = await full.change(["acc_1", "acc_2"], disabled, note("disable"))
    assert (await full.change(["acc_nobody"], disabled, note("disable"))).change_id is None
    assert (await full.change(["acc_3"], disabled)).change_id is None
    second = await full.remove(["acc_3"], note("remove", NOW + 1))
    await full.undo(first.change_id, note("undo", NOW + 2))
    told = await full.changes(10)
    assert [(one.action, one.count, one.undone_at) for one in told] == [
        ("undo", 2, None), ("remove", 1, None), ("disable", 2, NOW + 2)
    ]  # fmt: skip
    assert [one.id for one in told[1:]] == [second.change_id, first.change_id]
    assert [one.can_be_undone(NOW + 3) for one in told] == [False, True, False]
    assert await full.changes(1, before_id=second.change_id) == told[2:]
    assert (told[0].actor, told[0].detail, told[1].undo_until) == ("admin", "a line", NOW + 1 + DAY)


async def items(store: AccountStore) -> list[bytes]:
    return await store.database.read(lambda connection: list(connection.scalars(sa.select(audit_items.c.before))))


async def test_Z2_the_audit_holds_no_credential_in_clear(full: AccountStore) -> None:
    await full.change(["acc_1"], CHANGES["credential"], note("credential"))
    await full.remove(["acc_1"], note("remove"))
    kept = await items(full)
    assert len(kept) == 2
    assert b"MARKED" not in b"".join(kept)


async def test_the_audit_forgets(full: AccountStore) -> None:
    await full.change(["acc_1"], disabled, note("disable"))
    await full.purge(NOW + DAY)
    assert len(await items(full)) == 1
    await full.purge(NOW + DAY + 1)
    assert await items(full) == []
    assert len(await full.changes(10)) == 1
    await full.purge(NOW + KEPT_SEC + 1)
    assert await full.changes(10) == []


async def test_a_change_that_fails_leaves_no_trace(full: AccountStore) -> None:
    def fails(one: Account) -> Account:
        if one.id == "acc_2":
            raise StoreConflict("Not this one.")
        return disabled(one)

    before = await full.load()
    with pytest.raises(StoreConflict):
        await full.change(["acc_1", "acc_2"], fails, note("disable"))
    assert await full.load() == before
    assert await full.changes(10) == []
