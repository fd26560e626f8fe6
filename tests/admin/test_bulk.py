"""Bulk changes by filter, the audit, and undoing."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from admin_calls import account, administration
from grok2api.accounts.model import DAY, State
from grok2api.catalog import Tier

CROWD = [account(f"n{number}", tags=("red",) if number % 2 else (), created_at=float(number)) for number in range(12)]
RED = [one.id for one in CROWD if one.tags]


async def test_a_preview_counts_and_changes_nothing(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = await admin.post("/tokens/bulk", {"filter": {}, "action": "delete", "preview": True})
        body = answer.json
        assert (body["status"], body["count"], body["change_id"], len(body["sample"])) == ("preview", 12, None, 10)
        assert body["sample"][0] == {
            "id": "acc_n0",
            "token": "token-of...23456789",
            "pool": "basic",
            "status": "active",
            "tags": [],
        }
        assert not any(one.secret in answer.body.decode() for one in CROWD)
        assert len(admin.pool) == 12
        named = (await admin.post("/tokens/bulk", {"tokens": RED[:2], "action": "disable", "preview": True})).json
        assert (named["count"], [one["id"] for one in named["sample"]]) == (2, RED[:2])


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ({"action": "disable", "reason": "old"}, lambda one: (one.state, one.state_reason) == (State.DISABLED, "old")),
        ({"action": "disable"}, lambda one: one.state_reason == "by the operator"),
        ({"action": "move", "pool": "heavy"}, lambda one: one.tier is Tier.HEAVY and "heavy" in one.windows),
        ({"action": "tag", "tags": ["blue", "red"]}, lambda one: one.tags == ("red", "blue")),
        ({"action": "untag", "tags": ["red"]}, lambda one: one.tags == ()),
        ({"action": "enable"}, lambda one: one.state is State.ACTIVE),
    ],
)
async def test_what_fits_is_changed_and_nothing_else_and_can_be_undone(tmp_path: Path, body: Any, check: Any) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        done = (await admin.post("/tokens/bulk", {"filter": {"tag": "red"}, "expect": 6, **body})).json
        assert (done["status"], done["count"]) == ("success", 6)
        for one in CROWD:
            assert check(admin.pool.get(one.id)) or one.id not in RED
            if one.id not in RED:
                assert msgspec.structs.replace(admin.pool.get(one.id), revision=0) == one
        undone = (await admin.post(f"/changes/{done['change_id']}/undo")).json
        assert undone["skipped"] == []
        for one in CROWD:
            assert msgspec.structs.replace(admin.pool.get(one.id), revision=0) == one


async def test_what_fits_is_deleted_and_comes_back(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        done = (await admin.post("/tokens/bulk", {"filter": {"tag": "red"}, "action": "delete", "expect": 6})).json
        assert (done["count"], len(admin.pool)) == (6, 6)
        assert (await admin.post(f"/changes/{done['change_id']}/undo")).json["count"] == 6
        assert len(admin.pool) == 12


async def test_named_accounts_are_changed_without_a_preview(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        body = {"tokens": [CROWD[0].secret, CROWD[1].id], "action": "move", "pool": "super"}
        assert (await admin.post("/tokens/bulk", body)).json["count"] == 2
        assert admin.pool.get(CROWD[0].id).tier is Tier.SUPER


async def test_official_keys_stay_where_they_belong(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[*CROWD, account("key", Tier.API)]) as admin:
        body = {"filter": {}, "action": "move", "pool": "super", "expect": 13}
        assert (await admin.post("/tokens/bulk", body)).json["count"] == 13
        assert admin.pool.get("acc_key").tier is Tier.API


@pytest.mark.parametrize(("expect", "status"), [(12, 200), (13, 200), (100, 200), (11, 409), (0, 409)])
async def test_no_more_are_changed_than_were_seen(tmp_path: Path, expect: int, status: int) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = await admin.post("/tokens/bulk", {"filter": {}, "action": "disable", "expect": expect})
        assert answer.status == status
        if status == 409:
            assert (answer.error["code"], answer.error["param"]) == ("count_changed", "expect")
            assert "12 accounts" in answer.error["message"]
            assert {one.state for one in admin.pool.list()} == {State.ACTIVE}


async def test_one_in_a_hundred_may_have_come_since(tmp_path: Path) -> None:
    crowd = [account(f"n{number}") for number in range(202)]
    async with administration(tmp_path, accounts=crowd) as admin:
        body = {"filter": {}, "action": "disable"}
        assert (await admin.post("/tokens/bulk", {**body, "expect": 199})).status == 409
        assert (await admin.post("/tokens/bulk", {**body, "expect": 200})).status == 200


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"filter": {}, "action": "explode"}, "invalid_value", "action"),
        ({"filter": {}}, "missing_required_parameter", "action"),
        ({"action": "enable"}, "invalid_value", "filter"),
        ({"filter": {}, "tokens": ["x"], "action": "enable"}, "invalid_value", "filter"),
        ({"filter": {"pool": "premium"}, "action": "enable"}, "invalid_pool", "filter.pool"),
        ({"filter": {"status": "gone"}, "action": "enable"}, "invalid_status", "filter.status"),
        ({"filter": {}, "action": "enable"}, "missing_required_parameter", "expect"),
        ({"filter": {}, "action": "enable", "expect": -1}, "invalid_value", "expect"),
        ({"filter": {}, "action": "move", "expect": 12}, "missing_required_parameter", "pool"),
        ({"filter": {}, "action": "tag", "expect": 12}, "missing_required_parameter", "tags"),
        ({"filter": {}, "action": "untag", "tags": [" "], "expect": 12}, "missing_required_parameter", "tags"),
        ({"filter": {}, "action": "tag", "tags": ["x" * 65], "expect": 12}, "tag_too_long", "tags.0"),
        ({"tokens": [], "action": "enable"}, "invalid_value", "tokens"),
    ],
)
async def test_a_bad_bulk_change_is_refused_with_the_field(tmp_path: Path, body: Any, code: str, param: str) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = await admin.post("/tokens/bulk", body)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, param)
        assert await admin.store.changes(10) == []


async def test_changes_are_listed_the_newest_first_page_by_page(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        for number in range(3):
            await admin.post("/tokens/bulk", {"filter": {"q": "n1"}, "action": "disable", "expect": 3})
            admin.clock.advance(1 + number)
        first = (await admin.get("/changes?limit=2")).json
        assert first["has_more"]
        assert [change["id"] for change in first["changes"]] == [3, 2]
        rest = (await admin.get(f"/changes?limit=2&before={first['changes'][-1]['id']}")).json
        assert (rest["has_more"], [change["id"] for change in rest["changes"]]) == (False, [1])
        assert rest["changes"][0] == {
            "id": 1,
            "at": int((admin.clock.now - 6) * 1000),
            "actor": "admin",
            "action": "bulk disable",
            "detail": "a text",
            "count": 3,
            "undoable": True,
            "undone_at": None,
        }


async def test_a_change_is_undone_once_and_for_a_day(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        ids = []
        for action in ("disable", "enable"):
            body = {"tokens": RED, "action": action}
            ids.append((await admin.post("/tokens/bulk", body)).json["change_id"])
        assert (await admin.post(f"/changes/{ids[1]}/undo")).status == 200
        answer = await admin.post(f"/changes/{ids[1]}/undo")
        assert (answer.status, answer.error["code"]) == (409, "change_not_undoable")
        admin.clock.advance(DAY + 1)
        assert (await admin.post(f"/changes/{ids[0]}/undo")).error["code"] == "change_not_undoable"
        (undo, *_) = (await admin.get("/changes")).json["changes"]
        assert (undo["action"], undo["undoable"]) == ("undo", False)


@pytest.mark.parametrize("ident", ["99", "0", "-1", "x", "9" * 30, "1e3", "\u0661"])
async def test_a_change_that_is_not_there_cannot_be_undone(tmp_path: Path, ident: str) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = await admin.post(f"/changes/{ident}/undo")
        assert (answer.status, answer.error["code"]) == (404, "change_not_found")
