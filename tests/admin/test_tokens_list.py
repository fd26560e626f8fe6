"""`GET tokens`, one account, its explanation, tags: what is shown, in which order, and from where."""

import re
from pathlib import Path

import msgspec
import pytest

from admin_calls import account, administration
from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import WHOLE, Rest, Source, State, Window
from grok2api.catalog import Tier
from simulated import Clock

NOW = Clock().now


def rest(seconds: float, reason: str = "limited") -> Rest:
    return Rest(NOW + seconds, NOW - 10, None, 1, reason)


CROWD = (
    account("one", Tier.SUPER, ("nsfw", "home"), created_at=1.0, use_count=17, last_used_at=1_767_225_600.0),
    account("two", created_at=2.0, rests={WHOLE: rest(60)}),
    account("three", created_at=3.0, state=State.EXPIRED, state_reason="dead"),
    account("four", Tier.HEAVY, created_at=4.0, state=State.DISABLED, state_reason="by the operator", use_count=3),
    account("five", Tier.API, created_at=5.0, last_error="rate_limited: Slow Down", fail_count=2),
)
IDS = [one.id for one in CROWD]


async def test_a_row_is_as_older_programs_read_it(tmp_path: Path) -> None:
    windows = {
        "auto": Window(41, 50, 7200, NOW + 100, Source.REAL),
        "grok43": Window(1, 50, 7200, None, Source.DEFAULT),
        "console": Window(20, 20, 3600),
    }
    one = msgspec.structs.replace(CROWD[0], windows=windows, rests={"fast": rest(30), WHOLE: rest(20)}, strikes=(1.0,))
    async with administration(tmp_path, accounts=[one]) as admin:
        (row,) = (await admin.get("/tokens")).json["tokens"]
    assert {name: row[name] for name in ("token", "pool", "status", "use_count", "last_used_at", "tags")} == {
        "token": one.secret,
        "pool": "super",
        "status": "cooling",
        "use_count": 17,
        "last_used_at": 1_767_225_600_000,
        "tags": ["nsfw", "home"],
    }
    assert row["quota"] == {
        "auto": {
            "remaining": 41,
            "total": 50,
            "reset_at": int((NOW + 100) * 1000),
            "window_sec": 7200,
            "source": "real",
        },
        "grok_4_3": {"remaining": 1, "total": 50, "reset_at": None, "window_sec": 7200, "source": "default"},
        "console": {"remaining": 20, "total": 20, "reset_at": None, "window_sec": 3600, "source": "default"},
    }
    assert [found["mode"] for found in row["rests"]] == ["all", "fast"]
    assert row["rests"][1]["until"] == int((NOW + 30) * 1000)
    assert (row["id"], row["in_flight"], row["strikes"], row["created_at"]) == ("acc_one", 0, 1, 1000)
    assert (row["last_error"], row["last_error_at"], row["user_id"], row["state_reason"]) == ("", None, None, "")


async def test_never_used_is_null_and_what_is_over_is_gone(tmp_path: Path) -> None:
    old = {"fast": rest(-1)}
    window = {"fast": Window(0, 30, 86400, NOW - 5, Source.REAL)}
    async with administration(tmp_path, accounts=[account("one", rests=old, windows=window)]) as admin:
        (row,) = (await admin.get("/tokens")).json["tokens"]
    assert (row["last_used_at"], row["rests"], row["status"]) == (None, [], "active")
    assert row["quota"]["fast"]["remaining"] == 30


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", IDS),
        ("order=desc", IDS[::-1]),
        ("pool=basic", ["acc_two", "acc_three"]),
        ("status=active", ["acc_one", "acc_five"]),
        ("status=cooling", ["acc_two"]),
        ("status=expired", ["acc_three"]),
        ("status=disabled", ["acc_four"]),
        ("status=suspect", []),
        ("tag=nsfw", ["acc_one"]),
        ("tag=nsf", []),
        ("q=slow+down", ["acc_five"]),
        ("q=ACC_T", ["acc_two", "acc_three"]),
        ("q=%25", []),
        ("q=by+the+operator&pool=heavy", ["acc_four"]),
        ("q=by+the+operator&pool=basic", []),
        ("sort=use_count&order=desc&page_size=2", ["acc_one", "acc_four"]),
        ("sort=fail_count&order=desc&page_size=1", ["acc_five"]),
        ("sort=pool&page_size=2", ["acc_two", "acc_three"]),
        ("page=2&page_size=2", ["acc_three", "acc_four"]),
        ("page=9&page_size=2", []),
    ],
)
async def test_lists_are_filtered_sorted_and_cut(tmp_path: Path, query: str, expected: list[str]) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = (await admin.get(f"/tokens?{query}")).json
    assert [row["id"] for row in answer["tokens"]] == expected


async def test_pagination_says_where_a_page_is(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        assert (await admin.get("/tokens?page=2&page_size=2")).json["pagination"] == {
            "page": 2,
            "page_size": 2,
            "total": 5,
            "total_pages": 3,
            "has_more": True,
        }
        last = (await admin.get("/tokens?page=3&page_size=2")).json["pagination"]
        assert (last["has_more"], last["total_pages"]) == (False, 3)
        none = (await admin.get("/tokens?tag=nobody")).json["pagination"]
        assert (none["total"], none["total_pages"], none["has_more"]) == (0, 0, False)
        assert (await admin.get("/tokens")).json["pagination"]["page_size"] == 50


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page=0", "invalid_page"),
        ("page=99999999999999999999", "invalid_page"),
        ("page_size=0", "invalid_page_size"),
        ("page_size=1001", "invalid_page_size"),
        ("pool=premium", "invalid_pool"),
        ("status=deleted", "invalid_status"),
        ("sort=token", "invalid_sort"),
        ("order=up", "invalid_order"),
        ("mask=perhaps", "invalid_value"),
        (f"q={'x' * 5000}", "invalid_value"),
    ],
)
async def test_a_parameter_that_is_not_allowed_has_its_own_code(tmp_path: Path, query: str, code: str) -> None:
    async with administration(tmp_path) as admin:
        answer = await admin.get(f"/tokens?{query}")
        assert (answer.status, answer.error["code"], answer.error["param"]) == (400, code, query.partition("=")[0])


async def test_a_whole_token_is_found_and_never_repeated_in_an_error(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        for token in (CROWD[1].secret, f"sso%3D{CROWD[1].secret}"):
            answer = (await admin.get(f"/tokens?q={token}")).json
            assert [row["id"] for row in answer["tokens"]] == ["acc_two"]
        assert (await admin.get(f"/tokens?q={CROWD[1].secret}&pool=super")).json["tokens"] == []
        assert (await admin.get(f"/tokens?pool={CROWD[1].secret}")).error["message"] == (
            "pool must be one of basic, super, heavy, api"
        )


async def test_tokens_are_masked_where_that_is_asked_for(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = await admin.get("/tokens?mask=true")
        assert not any(one.secret in answer.body.decode() for one in CROWD)
        assert re.fullmatch(r".{8}\.\.\..{8}", answer.json["tokens"][0]["token"])
        one = await admin.get("/tokens/acc_one?mask=true")
        assert CROWD[0].secret not in one.body.decode()


async def test_what_serving_changed_a_moment_ago_is_in_the_list(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.pool.change("acc_one", lambda one: msgspec.structs.replace(one, use_count=99, rests={WHOLE: rest(50)}))
        (row,) = (await admin.get("/tokens?status=cooling&pool=super")).json["tokens"]
        assert (row["use_count"], row["status"]) == (99, "cooling")
        admin.pool.change("acc_one", lambda one: msgspec.structs.replace(one, rests={}))
        assert (await admin.get("/tokens?status=cooling&pool=super")).json["tokens"] == []


async def test_one_account_is_shown_by_id_only(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        assert (await admin.get("/tokens/acc_three")).json["state_reason"] == "dead"
        for ident in ("acc_none", CROWD[0].secret, "%00", "a" * 500):
            answer = await admin.get(f"/tokens/{ident}")
            assert (answer.status, answer.error["code"]) == (404, "account_not_found")
            assert CROWD[0].secret not in answer.body.decode()


async def test_an_explanation_says_why_each_mode_serves_or_not(tmp_path: Path) -> None:
    one = msgspec.structs.replace(CROWD[0], rests={"auto": Rest(NOW + 5400, NOW, NOW + 900, 1, "quota used up")})
    async with administration(tmp_path, accounts=[one, disabled(account("off"), "because")]) as admin:
        found = (await admin.get("/tokens/acc_one/explain")).json
        modes = {mode["mode"]: mode for mode in found["modes"]}
        assert set(modes) == {"auto", "fast", "expert", "grok_4_3", "console", "image", "video"}
        assert modes["fast"]["ready"]
        assert modes["fast"]["cost"]["total"] >= 0
        assert not modes["auto"]["ready"]
        assert (modes["auto"]["reason"], modes["auto"]["until"]) == ("resting", int((NOW + 5400) * 1000))
        assert modes["auto"]["probe_at"] == int((NOW + 900) * 1000)
        assert "90 min" in modes["auto"]["words"]
        assert (found["status"], found["max_in_flight"], found["conversations"]) == ("active", 8, 0)
        assert one.secret not in str(found)
        off = (await admin.get("/tokens/acc_off/explain")).json
        assert {mode["reason"] for mode in off["modes"]} == {"disabled"}
        assert "because" in off["modes"][0]["words"]
        assert (await admin.get("/tokens/acc_none/explain")).error["code"] == "account_not_found"


async def test_tags_are_counted(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=[*CROWD, account("six", tags=("nsfw",))]) as admin:
        assert (await admin.get("/tags")).json == {"tags": {"home": 1, "nsfw": 2}}


@pytest.mark.parametrize("path", ["/tokens", "/tokens/acc_one", "/tags", "/changes", "/tokens/export"])
async def test_D4_lists_say_that_the_store_is_away(tmp_path: Path, path: str) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.store.away = True
        answer = await admin.get(path)
        assert (answer.status, answer.error["code"]) == (503, "storage_unavailable")
        assert "retry-after" in answer.headers
        assert (await admin.get("/tokens/acc_one/explain")).status == 200
