"""`GET status`, `GET storage`, `POST sync`, `GET verify`."""

from pathlib import Path

import pytest

from admin_calls import account, administration
from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import WHOLE, Rest
from grok2api.accounts.query import Note
from grok2api.admin import status
from grok2api.catalog import Tier

CROWD = [
    account("one", Tier.SUPER),
    account("two", rests={WHOLE: Rest(9e9, 0.0)}),
    account("three"),
    disabled(account("four")),
]


async def test_status_has_the_members_of_older_programs_and_says_more(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD, settings={"account.strategy": "random"}) as admin:
        admin.clock.advance(90)
        found = (await admin.get("/status")).json
    assert {name: found[name] for name in ("status", "size", "revision", "selection_strategy")} == {
        "status": "ok",
        "size": 4,
        "revision": 1,
        "selection_strategy": "random",
    }
    assert found["accounts"] == {"super": {"active": 1}, "basic": {"active": 1, "cooling": 1, "disabled": 1}}
    assert (found["version"], found["uptime_sec"], found["in_flight"]) == ("1.2.3", 90, 0)
    assert (found["storage"]["type"], found["jobs"], found["counters"]) == (
        "sqlite",
        [{"name": "a job"}],
        {"answers": 3},
    )


async def test_D4_status_answers_from_memory_while_the_store_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_SLICE", 3)
    async with administration(tmp_path, accounts=CROWD) as admin:
        with_store = (await admin.get("/status")).json
        admin.store.away = True
        without = (await admin.get("/status")).json
        assert without["accounts"] == with_store["accounts"]
        assert (without["size"], without["storage"]["healthy"]) == (4, False)
        assert (await admin.get("/storage")).json["healthy"] is False


async def test_storage_says_which_database_it_is(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        assert (await admin.get("/storage")).json == {
            "type": "sqlite",
            "healthy": True,
            "since": 0,
            "trouble": "",
            "waiting": 0,
        }


async def test_sync_takes_over_what_another_process_wrote(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        assert (await admin.post("/sync")).json == {"changed": False, "revision": 1}
        await admin.store.remove(["acc_one"], Note(action="remove", actor="cli", at=1.0))
        assert (await admin.post("/sync")).json == {"changed": True, "revision": 2}
        assert (await admin.get("/status")).json["size"] == 3
