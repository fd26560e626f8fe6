import asyncio
from pathlib import Path

import msgspec
import pytest

from grok2api.accounts.lifecycle import disabled, enabled
from grok2api.accounts.model import WHOLE, Account, Kind, Rest, Source, State, Window, new_account
from grok2api.catalog import Tier
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for
from grok2api.storage.write_behind import Served

MARK = "MARKED-SECRET-5f2b"


def fresh(number: int = 1, tier: Tier = Tier.BASIC) -> Account:
    return new_account(f"acc_{number}", f"{MARK}-{number}", Kind.WEB, tier, float(number), tags=("a", "b"))


def lived(number: int = 1) -> Account:
    """An account with something in every field."""
    return Account(
        id=f"acc_{number}",
        secret=f"{MARK}-{number}",
        kind=Kind.API,
        tier=Tier.HEAVY,
        state=State.SUSPECT,
        state_reason="one bare 401",
        tags=("ünïcode", "b"),
        windows={"auto": Window(0, 150, 7200, 12.5, Source.REAL), "fast": Window(1, 2, 3, None, Source.ESTIMATED)},
        rests={"auto": Rest(12.5, 1.5, 3.5, 7, "limited"), WHOLE: Rest(9.0, 8.0)},
        health=0.123456789,
        strikes=(1.5, 99.25),
        use_count=12,
        fail_count=13,
        last_used_at=1234567890.123,
        last_error="rate_limited: wait",
        last_error_at=1234567891.5,
        created_at=1234567800.25,
        user_id="user-1",
        revision=1,
    )


async def test_every_field_makes_the_round_trip(store: AccountStore) -> None:
    await store.add([lived()])
    assert await store.load() == [lived()]


async def test_P11_the_same_credential_or_user_is_one_record(store: AccountStore) -> None:
    await store.add([fresh(1)])
    again = msgspec.structs.replace(fresh(2), secret=fresh(1).secret)
    assert (await store.add([again, fresh(3), fresh(3)])).known == ("acc_1", "acc_3")
    await store.change(["acc_1"], lambda account: msgspec.structs.replace(account, user_id="u"))
    assert (await store.add([msgspec.structs.replace(fresh(4), user_id="u")])).known == ("acc_1",)
    assert await store.ids() == {"acc_1", "acc_3"}


async def test_accounts_are_found_by_id_and_by_any_spelling_of_their_credential(store: AccountStore) -> None:
    await store.add([fresh(1)])
    spelled = f"sso={MARK.replace('-', chr(0x2013))}-1; theme=dark"
    assert await store.find(["acc_1", spelled, "acc_9", ""]) == {"acc_1": "acc_1", spelled: "acc_1"}


async def test_each_administrative_write_moves_the_revision(store: AccountStore) -> None:
    assert await store.revision() == 0
    await store.add([fresh(1), fresh(2)])
    await store.change(["acc_1", "acc_9"], disabled)
    assert await store.revision() == 2
    assert [account.id for account in await store.load(since=1)] == ["acc_1"]
    assert (await store.remove(["acc_1", "acc_9"])).count == 1
    assert (await store.revision(), await store.ids()) == (3, {"acc_2"})
    assert (await store.remove(["acc_1"])).count == 0
    assert (await store.change(["acc_1"], enabled)).accounts == ()
    assert await store.revision() == 3


async def test_a_new_credential_must_not_be_another_accounts(store: AccountStore) -> None:
    await store.add([fresh(1), fresh(2)])
    with pytest.raises(StoreError, match="acc_2 already has"):
        await store.change(["acc_1"], lambda account: msgspec.structs.replace(account, secret=fresh(2).secret))
    assert [account.secret for account in await store.load()] == [fresh(1).secret, fresh(2).secret]


async def test_runtime_writes_only_add_to_what_was_administered_and_leave_alone_what_was_removed(
    store: AccountStore,
) -> None:
    known = list((await store.add([fresh(1), fresh(2), fresh(3)])).added)
    await store.change(["acc_1"], disabled)
    await store.remove(["acc_2"])
    rest = {"fast": Rest(5.0, 1.0)}
    for _ in range(2):
        await store.write_runtime([Served(msgspec.structs.replace(account, rests=rest), 9, 2) for account in known])
    first, third = await store.load()
    assert (first.state, first.use_count, first.fail_count, first.rests) == (State.DISABLED, 18, 4, {})
    assert (third.use_count, third.fail_count, third.rests) == (18, 4, rest)
    assert await store.revision() == 3


async def test_D2_two_hundred_writers_never_see_a_lock(store: AccountStore) -> None:
    await asyncio.gather(*(store.add([fresh(number)]) for number in range(200)))
    assert len(await store.ids()) == 200
    assert await store.revision() == 200


async def test_D2_two_processes_write_at_once(store: AccountStore, url: str, tmp_path: Path) -> None:
    other = await store_for(url, tmp_path, {})
    try:
        writes = [(store, other)[number % 2].add([fresh(number)]) for number in range(40)]
        await asyncio.gather(*writes)
        assert await store.revision() == await other.revision() == 40
    finally:
        await other.close()


async def test_Z4_hostile_names_are_values_and_nothing_else(store: AccountStore) -> None:
    evil = "'; DROP TABLE accounts; --"
    await store.add([msgspec.structs.replace(fresh(1), tags=(evil,), state_reason=evil)])
    assert await store.find([evil]) == {}
    assert (await store.load())[0].tags == (evil,)
