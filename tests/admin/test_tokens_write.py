"""Adding, replacing, deleting, editing, switching: the exact bodies, and that what was answered is in force."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from admin_calls import Admin, account, administration
from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import WHOLE, Kind, Rest, State
from grok2api.admin import tokens_add
from grok2api.catalog import Tier

ONE, TWO = account("one", Tier.SUPER, ("home",), use_count=5), account("two")
NEW, OTHER = "eyJ-a-new-session-token-0001", "eyJ-a-new-session-token-0002"
KEY = "xai-an-official-key-0123456789"


async def pools(admin: Admin) -> dict[str, list[str]]:
    """Tokens by pool, as the list shows them, after seeing that memory and store agree."""
    found: dict[str, list[str]] = {}
    rows = (await admin.get("/tokens?page_size=1000")).json["tokens"]
    assert {row["id"] for row in rows} == {one.id for one in admin.pool.list()}
    for row in rows:
        assert (await admin.stored(row["id"])).tier.value == row["pool"]
        found.setdefault(row["pool"], []).append(row["token"])
    return found


# --- add


async def test_add_with_a_pool_answers_at_once(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[TWO]) as admin:
        answer = await admin.post("/tokens/add", {"tokens": [NEW, TWO.secret], "pool": "super", "tags": ["x", " x "]})
        body = answer.json
        assert {name: body[name] for name in ("status", "count", "skipped", "synced", "restored", "invalid")} == {
            "status": "success",
            "count": 1,
            "skipped": 1,
            "synced": False,
            "restored": 0,
            "invalid": [],
        }
        (fresh,) = body["accounts"]
        assert (fresh["pool"], NEW in str(body)) == ("super", False)
        assert admin.pool.get(fresh["id"]).tags == ("x",)
        assert await pools(admin) == {"super": [NEW], "basic": [TWO.secret]}
        assert admin.upstream.asked == []


async def test_add_with_auto_waits_for_the_tier(tmp_path: Path) -> None:
    async with administration(tmp_path, settings={"batch.refresh_concurrency": 7}) as admin:
        admin.upstream.tiers[NEW] = Tier.HEAVY
        body = (await admin.post("/tokens/add", {"tokens": [NEW, KEY]})).json
        assert (body["count"], body["synced"]) == (2, True)
        assert [one["pool"] for one in body["accounts"]] == ["heavy", "api"]
        assert {at_once for _, at_once in admin.upstream.asked} == {7}


async def test_add_with_auto_answers_when_the_upstream_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_add, "LOOK_SEC", 0.01)
    async with administration(tmp_path) as admin:
        admin.upstream.gate = asyncio.Event()
        body = (await admin.post("/tokens/add", {"tokens": [NEW], "pool": "auto"})).json
        assert (body["count"], body["synced"]) == (1, False)
        admin.upstream.gate.set()
        while not admin.upstream.asked:
            await asyncio.sleep(0)


async def test_add_says_when_a_quota_was_not_told(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        admin.upstream.errors["acc_0000000000000001"] = "refused"
        assert (await admin.post("/tokens/add", {"tokens": [NEW]})).json["synced"] is False


async def test_P11_a_token_is_added_once_however_it_is_spelled(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        spelled = [NEW, f"sso={NEW}", f" {NEW}\n", f"sso-rw={NEW}; sso={NEW}; other=1", NEW.replace("-", "\u2011")]
        body = (await admin.post("/tokens/add", {"tokens": spelled, "pool": "basic"})).json
        assert (body["count"], body["skipped"]) == (1, 0)
        again = (await admin.post("/tokens/add", {"tokens": spelled, "pool": "super"})).json
        assert (again["count"], again["skipped"], again["change_id"]) == (0, 1, None)
        assert await pools(admin) == {"basic": [NEW]}


async def test_a_deleted_account_comes_back(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE]) as admin:
        await admin.delete("/tokens", [ONE.secret])
        body = (await admin.post("/tokens/add", {"tokens": [ONE.secret], "pool": "basic"})).json
        assert (body["count"], body["restored"], body["accounts"][0]["id"]) == (1, 1, ONE.id)
        assert admin.pool.get(ONE.id).use_count == 5


async def test_what_is_no_token_is_left_out_and_named(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        tokens = [NEW, "two words; and=more", "acc_nobody", "", "   "]
        body = (await admin.post("/tokens/add", {"tokens": tokens, "pool": "basic"})).json
        assert (body["count"], body["invalid"]) == (1, ["tokens.1", "tokens.2"])


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"tokens": []}, "invalid_value", "tokens"),
        ({"tokens": ["", " "]}, "invalid_value", "tokens"),
        ({"tokens": ["\u00e9"]}, "invalid_value", "tokens"),
        ({"tokens": [KEY], "pool": "basic"}, "invalid_value", "tokens"),
        ({"tokens": NEW}, "invalid_value", "tokens"),
        ({}, "missing_required_parameter", "tokens"),
        ({"tokens": [NEW], "pool": "premium"}, "invalid_pool", "pool"),
        ({"tokens": [NEW, "x" * 4097]}, "token_too_long", "tokens.1"),
        ({"tokens": ["x"] * 10_001}, "too_many_tokens", "tokens"),
        ({"tokens": [NEW], "tags": ["x" * 65]}, "tag_too_long", "tags.0"),
        ({"tokens": [NEW], "tags": [str(n) for n in range(33)]}, "too_many_tags", "tags"),
        ({"tokens": [NEW], "tags": ["a\nb"]}, "invalid_value", "tags.0"),
        ({"tokens": [NEW], "tags": "x"}, "invalid_value", "tags"),
    ],
)
async def test_add_refuses_with_the_field(tmp_path: Path, body: Any, code: str, param: str) -> None:
    async with administration(tmp_path) as admin:
        answer = await admin.post("/tokens/add", body)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, param)
        assert NEW not in answer.body.decode()
        assert await pools(admin) == {}


# --- replace


async def test_replacing_a_pool_leaves_the_others_alone(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE, TWO, account("three")]) as admin:
        answer = await admin.post("/tokens", {"basic": [NEW, {"token": TWO.secret, "tags": ["kept"]}]})
        body = answer.json
        assert {name: body[name] for name in ("status", "count", "added", "deleted")} == {
            "status": "success",
            "count": 2,
            "added": 1,
            "deleted": 1,
        }
        assert await pools(admin) == {"super": [ONE.secret], "basic": [TWO.secret, NEW]}
        assert admin.pool.get(TWO.id).tags == ("kept",)
        assert admin.pool.get(ONE.id).tags == ("home",)


async def test_replacing_moves_what_is_in_another_pool_and_empties_what_is_empty(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE, TWO]) as admin:
        body = (await admin.post("/tokens", {"basic": [], "super": [ONE.id, TWO.id]})).json
        assert (body["count"], body["added"], body["deleted"]) == (2, 0, 0)
        assert await pools(admin) == {"super": [ONE.secret, TWO.secret]}
        assert admin.pool.get(TWO.id).windows["auto"].total == 50
        emptied = (await admin.post("/tokens", {"super": []})).json
        assert (emptied["count"], emptied["deleted"]) == (0, 2)
        assert await pools(admin) == {}
        undone = await admin.post(f"/changes/{emptied['change_id']}/undo")
        assert undone.json["count"] == 2
        assert await pools(admin) == {"super": [ONE.secret, TWO.secret]}


async def test_replacing_with_what_is_there_changes_nothing(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE, TWO]) as admin:
        before = await admin.store.revision()
        body = (
            await admin.post("/tokens", {"super": [{"token": ONE.secret, "tags": ["home"]}], "basic": [TWO.id]})
        ).json
        assert (body["count"], body["change_id"]) == (2, None)
        assert (await admin.post("/tokens", {})).json["count"] == 0
        assert await admin.store.revision() == before


async def test_all_of_a_replacement_is_undone_at_once(tmp_path: Path) -> None:
    three = account("three")
    async with administration(tmp_path, accounts=[ONE, TWO, three]) as admin:
        before = await pools(admin)
        body = (
            await admin.put("/pool", {"pool": "basic", "tokens": [NEW, ONE.secret, TWO.secret], "tags": ["t"]})
        ).json
        assert {name: body[name] for name in ("pool", "count", "added", "deleted")} == {
            "pool": "basic",
            "count": 3,
            "added": 1,
            "deleted": 1,
        }
        assert {one.tags for one in admin.pool.list()} == {("t",)}
        assert (await admin.post(f"/changes/{body['change_id']}/undo")).json["count"] == 4
        assert await pools(admin) == before
        assert admin.pool.get(ONE.id).tags == ("home",)


@pytest.mark.parametrize("path", ["/pool", "/tokens/pool"])
async def test_a_pool_is_replaced_under_both_names(tmp_path: Path, path: str) -> None:
    async with administration(tmp_path) as admin:
        body = (await admin.put(path, {"pool": "basic", "tokens": [NEW], "tags": []})).json
        assert (body["pool"], body["count"]) == ("basic", 1)
        assert await pools(admin) == {"basic": [NEW]}


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "param"),
    [
        ("POST", "/tokens", {"premium": [NEW]}, "invalid_pool", "pool"),
        ("POST", "/tokens", {"basic": {"token": NEW}}, "invalid_pool_payload", "basic"),
        ("POST", "/tokens", {"basic": [5]}, "invalid_pool_payload", "basic.0"),
        ("POST", "/tokens", {"basic": [NEW, "a b; c"]}, "invalid_value", "basic.1"),
        ("POST", "/tokens", {"basic": [{"tags": []}]}, "missing_required_parameter", "basic.0.token"),
        ("POST", "/tokens", {"basic": [{"token": NEW, "tags": ["x" * 65]}]}, "tag_too_long", "basic.0.tags.0"),
        ("POST", "/tokens", {"basic": [NEW], "super": [NEW]}, "invalid_value", "super.0"),
        ("POST", "/tokens", {"basic": [NEW, KEY]}, "invalid_value", "basic.1"),
        ("POST", "/tokens", {"basic": ["x" * 4097]}, "token_too_long", "basic.0"),
        ("POST", "/tokens", {"basic": ["acc_nobody"]}, "invalid_value", "basic.0"),
        ("POST", "/tokens", {"basic": [str(n) for n in range(10_001)]}, "too_many_tokens", None),
        ("PUT", "/pool", {"pool": "premium", "tokens": []}, "invalid_pool", "pool"),
        ("PUT", "/pool", {"tokens": []}, "missing_required_parameter", "pool"),
        ("PUT", "/pool", {"pool": "basic", "tokens": [NEW, 5]}, "invalid_value", "tokens.1"),
        ("PUT", "/pool", {"pool": "basic", "tokens": ["a;b"]}, "invalid_value", "tokens.0"),
    ],
)
async def test_a_bad_replacement_deletes_nothing(
    tmp_path: Path, method: str, path: str, body: Any, code: str, param: Any
) -> None:
    async with administration(tmp_path, accounts=[TWO]) as admin:
        answer = await admin.call(method, path, body)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, param)
        assert await pools(admin) == {"basic": [TWO.secret]}


# --- delete


async def test_accounts_are_deleted_by_token_or_id(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE, TWO, account("three")]) as admin:
        body = (await admin.delete("/tokens", [f"sso={ONE.secret}", TWO.id, TWO.secret, "unknown"])).json
        assert body["deleted"] == 2
        assert [one.id for one in admin.pool.list()] == ["acc_three"]
        assert (await admin.post(f"/changes/{body['change_id']}/undo")).json == {
            "status": "success",
            "count": 2,
            "skipped": [],
        }
        assert {one.id for one in admin.pool.list()} == {"acc_one", "acc_two", "acc_three"}


async def test_only_expired_accounts_are_invalid(tmp_path: Path) -> None:
    crowd = [
        ONE,
        disabled(TWO),
        account("three", state=State.EXPIRED),
        account("four", state=State.SUSPECT),
        account("five", rests={WHOLE: Rest(9e9, 0.0)}),
    ]
    async with administration(tmp_path, accounts=crowd) as admin:
        assert (await admin.delete("/tokens/invalid")).json["deleted"] == 1
        assert admin.pool.get("acc_three") is None
        assert (await admin.delete("/tokens/invalid")).json == {"deleted": 0, "change_id": None}
        admin.pool.change("acc_four", lambda one: msgspec.structs.replace(one, state=State.EXPIRED))
        assert (await admin.delete("/tokens/invalid")).json["deleted"] == 1


# --- edit


async def test_a_token_is_exchanged_and_everything_else_stays(tmp_path: Path) -> None:
    expired = msgspec.structs.replace(ONE, state=State.EXPIRED, state_reason="dead", user_id="u1")
    async with administration(tmp_path, accounts=[expired, TWO]) as admin:
        body = (await admin.put("/tokens/edit", {"old_token": ONE.secret, "token": f"sso={NEW}", "pool": "heavy"})).json
        assert {name: body[name] for name in ("status", "token", "pool", "id")} == {
            "status": "success",
            "token": f"sso={NEW}",
            "pool": "heavy",
            "id": ONE.id,
        }
        edited = admin.pool.get(ONE.id)
        assert (edited.secret, edited.tier, edited.state, edited.user_id) == (NEW, Tier.HEAVY, State.ACTIVE, None)
        assert (edited.tags, edited.use_count, edited.windows["auto"].total) == (("home",), 5, 150)
        await admin.post(f"/changes/{body['change_id']}/undo")
        assert (await admin.stored(ONE.id)).secret == ONE.secret


async def test_the_same_token_changes_the_pool_or_the_tags_only(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE]) as admin:
        body = (await admin.put("/tokens/edit", {"old_token": ONE.id, "token": ONE.secret, "pool": "basic"})).json
        assert (body["token"], body["pool"]) == (ONE.secret, "basic")
        body = (await admin.put("/tokens/edit", {"old_token": ONE.id, "tags": ["a", "b"]})).json
        assert (body["token"], body["pool"]) == (ONE.id, "basic")
        assert admin.pool.get(ONE.id).tags == ("a", "b")


async def test_a_session_becomes_an_official_key_and_its_pool_with_it(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE]) as admin:
        body = (await admin.put("/tokens/edit", {"old_token": ONE.id, "token": KEY})).json
        assert body["pool"] == "api"
        assert (await admin.stored(ONE.id)).kind is Kind.API


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"old_token": "nobody", "token": NEW}, 404, "account_not_found", "old_token"),
        ({"old_token": ONE.secret, "token": TWO.secret}, 409, "token_conflict", "token"),
        ({"old_token": ONE.secret, "token": f"sso={TWO.secret}"}, 409, "token_conflict", "token"),
        ({"old_token": ONE.secret, "token": ""}, 400, "invalid_value", "token"),
        ({"old_token": "", "token": NEW}, 400, "invalid_value", "old_token"),
        ({"old_token": ONE.secret, "token": "a;b"}, 400, "invalid_value", "token"),
        ({"old_token": ONE.secret, "token": "x" * 5000}, 400, "token_too_long", "token"),
        ({"old_token": ONE.secret, "token": NEW, "pool": "premium"}, 400, "invalid_pool", "pool"),
        ({"old_token": ONE.secret, "token": NEW, "pool": "api"}, 400, "invalid_pool", "pool"),
        ({"old_token": ONE.secret, "pool": "api"}, 400, "invalid_pool", "pool"),
        ({"old_token": ONE.secret, "token": KEY, "pool": "basic"}, 400, "invalid_pool", "pool"),
        ({"token": NEW}, 400, "missing_required_parameter", "old_token"),
    ],
)
async def test_a_bad_edit_changes_nothing(tmp_path: Path, body: Any, status: int, code: str, param: str) -> None:
    async with administration(tmp_path, accounts=[ONE, TWO]) as admin:
        answer = await admin.put("/tokens/edit", body)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (status, code, param)
        assert ONE.secret not in answer.body.decode()
        assert await pools(admin) == {"super": [ONE.secret], "basic": [TWO.secret]}


# --- switch


async def test_disabling_takes_out_and_enabling_forgets(tmp_path: Path) -> None:
    worn = msgspec.structs.replace(
        ONE, state=State.EXPIRED, state_reason="dead", rests={WHOLE: Rest(9e9, 0.0)}, strikes=(1.0,), health=0.2
    )
    async with administration(tmp_path, accounts=[worn]) as admin:
        body = {"token": ONE.secret, "disabled": True}
        assert (await admin.post("/tokens/disabled", body)).json == {"status": "success", **body}
        assert (admin.pool.get(ONE.id).state, admin.pool.get(ONE.id).state_reason) == (
            State.DISABLED,
            "by the operator",
        )
        assert not admin.pool.serves([Tier.SUPER], "auto")
        await admin.post("/tokens/disabled", {"token": ONE.id, "disabled": False})
        enabled = admin.pool.get(ONE.id)
        assert (enabled.state, enabled.state_reason, enabled.rests, enabled.strikes) == (State.ACTIVE, "", {}, ())
        assert admin.pool.serves([Tier.SUPER], "auto")


async def test_many_are_switched_in_one_change(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE, TWO]) as admin:
        body = (
            await admin.post("/tokens/disabled/batch", {"tokens": [ONE.secret, TWO.id, "x"], "disabled": True})
        ).json
        change_id = body.pop("change_id")
        assert body == {"status": "success", "disabled": True, "summary": {"total": 3, "ok": 2, "fail": 1}}
        assert {one.state for one in admin.pool.list()} == {State.DISABLED}
        await admin.post(f"/changes/{change_id}/undo")
        assert {one.state for one in admin.pool.list()} == {State.ACTIVE}


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "param"),
    [
        ("/tokens/disabled", {"token": "nobody", "disabled": True}, 404, "account_not_found", "token"),
        ("/tokens/disabled", {"token": " ", "disabled": True}, 400, "invalid_value", "token"),
        ("/tokens/disabled", {"token": ONE.secret}, 400, "missing_required_parameter", "disabled"),
        ("/tokens/disabled", {"token": ONE.secret, "disabled": 1}, 400, "invalid_value", "disabled"),
        ("/tokens/disabled/batch", {"tokens": ["x"], "disabled": True}, 404, "account_not_found", "tokens"),
        ("/tokens/disabled/batch", {"tokens": [], "disabled": True}, 400, "invalid_value", "tokens"),
    ],
)
async def test_who_is_not_there_is_not_switched(
    tmp_path: Path, path: str, body: Any, status: int, code: str, param: str
) -> None:
    async with administration(tmp_path, accounts=[ONE]) as admin:
        answer = await admin.post(path, body)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (status, code, param)
        assert admin.pool.get(ONE.id).state is State.ACTIVE


# --- all of them

WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/tokens/add", {"tokens": [NEW]}),
    ("POST", "/tokens", {"basic": []}),
    ("PUT", "/pool", {"pool": "basic", "tokens": [NEW]}),
    ("DELETE", "/tokens", [ONE.secret]),
    ("DELETE", "/tokens/invalid", None),
    ("PUT", "/tokens/edit", {"old_token": ONE.secret, "token": NEW}),
    ("POST", "/tokens/disabled", {"token": ONE.secret, "disabled": True}),
    ("POST", "/tokens/disabled/batch", {"tokens": [ONE.secret], "disabled": True}),
    ("POST", "/tokens/bulk", {"tokens": [ONE.secret], "action": "delete"}),
    ("POST", "/tokens/import", NEW.encode()),
    ("POST", "/changes/1/undo", None),
    ("POST", "/sync", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_D4_writes_are_refused_while_the_store_is_away(tmp_path: Path, method: str, path: str, body: Any) -> None:
    async with administration(tmp_path, accounts=[ONE, TWO]) as admin:
        admin.store.away = True
        answer = await admin.call(method, path, body)
        assert (answer.status, answer.error["code"]) == (503, "storage_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        admin.store.away = False
        assert await pools(admin) == {"super": [ONE.secret], "basic": [TWO.secret]}
        assert {one.state for one in admin.pool.list()} == {State.ACTIVE}


async def test_D7_what_serving_counted_before_a_change_is_kept(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE]) as admin:
        admin.pool.change(ONE.id, lambda one: msgspec.structs.replace(one, use_count=77, health=0.5))
        await admin.put("/tokens/edit", {"old_token": ONE.id, "tags": ["x"]})
        stored = await admin.stored(ONE.id)
        assert (stored.use_count, stored.health, stored.tags) == (77, 0.5, ("x",))
        assert admin.pool.get(ONE.id).use_count == 77


async def test_every_change_is_in_the_audit_without_a_token(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[ONE, TWO]) as admin:
        for method, path, body in WRITES[:8]:
            await admin.call(method, path, body)
        answer = await admin.get("/changes")
        found = answer.json["changes"]
        assert {change["actor"] for change in found} == {"admin"}
        assert {change["action"] for change in found} >= {"add", "replace", "delete"}
        assert not any(token in answer.body.decode() for token in (NEW, ONE.secret, TWO.secret))
