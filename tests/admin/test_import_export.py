"""Accounts in and out as files."""

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine

from admin_calls import account, administration
from grok2api.accounts.exporting import Form
from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import Source, Window
from grok2api.admin import tokens_export, tokens_import
from grok2api.catalog import Tier
from neighbourhood import fill_v2

REAL = Window(41, 50, 7200, 1_767_300_000.0, Source.REAL)
CROWD = [
    account("one", Tier.SUPER, ("nsfw", "a,b"), use_count=7, windows={"auto": REAL}, created_at=1.0),
    disabled(account("two", created_at=2.0), "because"),
    account("three", Tier.API, created_at=3.0),
]
TOKENS = [one.secret for one in CROWD]


@pytest.mark.parametrize("form", Form)
async def test_an_export_with_its_tokens_can_be_imported_again(tmp_path: Path, form: Form) -> None:
    async with administration(tmp_path / "here", accounts=CROWD) as admin:
        answer = await admin.get(f"/tokens/export?format={form}&secrets=true")
        assert "attachment" in answer.headers["content-disposition"]
        assert answer.headers["cache-control"] == "no-store"
    async with administration(tmp_path / "there") as admin:
        body = (await admin.post("/tokens/import", answer.body)).json
        assert (body["totals"]["add"], body["totals"]["invalid"]) == (3, 0)
        found = {one.secret: one for one in admin.pool.list()}
        assert set(found) == set(TOKENS)
        if form is not Form.TEXT:
            for one in CROWD:
                imported = msgspec.structs.replace(found[one.secret], id=one.id, revision=0)
                assert imported == one
        again = (await admin.post("/tokens/import", answer.body)).json
        assert (again["totals"]["same"], again["totals"]["add"], again["change_ids"]) == (3, 0, [])


@pytest.mark.parametrize("form", Form)
async def test_an_export_is_masked_unless_that_is_asked_for(tmp_path: Path, form: Form) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = await admin.get(f"/tokens/export?format={form}")
        assert not any(token in answer.body.decode() for token in TOKENS)
        assert b"..." in answer.body
        refused = await admin.post("/tokens/import", answer.body)
        assert refused.error["code"] == "invalid_format"
        assert "masked" in refused.error["message"]


@pytest.mark.parametrize("form", Form)
async def test_an_export_of_nobody_is_well_formed(tmp_path: Path, form: Form) -> None:
    async with administration(tmp_path) as admin:
        body = (await admin.get(f"/tokens/export?format={form}&secrets=true")).body.decode()
    if form is Form.JSON:
        assert json.loads(body) == {}
    elif form is Form.CSV:
        assert "token" in next(csv.reader(io.StringIO(body)))
    else:
        assert body == ""


async def test_an_export_takes_a_filter(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        found = (await admin.get("/tokens/export?secrets=true&pool=super")).json
        assert {pool: [one["token"] for one in some] for pool, some in found.items()} == {"super": [TOKENS[0]]}
        text = (await admin.get("/tokens/export?format=text&secrets=true&status=disabled")).body.decode()
        assert text == f"{TOKENS[1]}\n"
        assert (await admin.get("/tokens/export?format=xml")).error["code"] == "invalid_format"


@pytest.mark.parametrize("form", Form)
async def test_a_large_export_comes_in_pieces_that_fit(
    tmp_path: Path, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_export, "_PIECE", 3)
    crowd = [account(f"n{number}", Tier.SUPER if number % 2 else Tier.BASIC) for number in range(20)]
    async with administration(tmp_path / "here", accounts=crowd) as admin:
        answer = await admin.get(f"/tokens/export?format={form}&secrets=true")
    async with administration(tmp_path / "there") as admin:
        assert (await admin.post("/tokens/import", answer.body)).json["totals"]["add"] == 20
    if form is Form.JSON:
        assert {pool: len(some) for pool, some in answer.json.items()} == {"basic": 10, "super": 10}


async def test_a_rehearsal_says_what_would_happen_and_changes_nothing(tmp_path: Path) -> None:
    body = f"# mine\n{TOKENS[0]}\nnew-session-token-1\nsso=new-session-token-1\nnot a; token\n"
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = await admin.post("/tokens/import?dry_run=true&tags=x,y&pool=super", body.encode())
        found = answer.json
        assert (found["status"], found["dry_run"], found["change_ids"]) == ("success", True, [])
        wanted = {"add": 1, "same": 1, "duplicate": 1, "invalid": 1}
        assert {name: number for name, number in found["totals"].items() if number} == wanted
        added, bad = found["rows"]
        assert (added["verdict"], added["where"], added["pool"], added["tags"]) == (
            "add",
            "line 3",
            "super",
            ["x", "y"],
        )
        assert (bad["verdict"], bad["where"]) == ("invalid", "line 5")
        assert bad["reason"]
        assert "new-session-token-1" not in answer.body.decode()
        assert len(admin.pool) == 3
        done = (await admin.post("/tokens/import?tags=x,y&pool=super", body.encode())).json
        assert done["totals"] == found["totals"]
        (change_id,) = done["change_ids"]
        assert len(admin.pool) == 4
        await admin.post(f"/changes/{change_id}/undo")
        assert len(admin.pool) == 3


async def test_what_is_here_is_brought_up_to_date_where_that_is_asked_for(tmp_path: Path) -> None:
    body = json.dumps({"heavy": [{"token": TOKENS[0], "tags": ["new"]}]}).encode()
    async with administration(tmp_path, accounts=CROWD) as admin:
        assert (await admin.post("/tokens/import", body)).json["totals"]["same"] == 1
        planned = (await admin.post("/tokens/import?on_existing=update&dry_run=true", body)).json
        assert planned["rows"][0]["changes"] == ["pool super -> heavy", "tags + new"]
        done = (await admin.post("/tokens/import?on_existing=update", body)).json
        assert done["totals"]["update"] == 1
        updated = admin.pool.get("acc_one")
        assert (updated.tier, updated.tags, updated.use_count) == (Tier.HEAVY, ("nsfw", "a,b", "new"), 7)


async def test_a_deleted_account_comes_back_with_an_import(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        await admin.delete("/tokens", ["acc_one"])
        body = (await admin.post("/tokens/import", TOKENS[0].encode())).json
        assert (body["totals"]["restore"], body["rows"][0]["id"]) == (1, "acc_one")


async def test_a_large_import_is_taken_in_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_import, "PART", 100)
    body = "\n".join(f"session-token-number-{number}" for number in range(1250)).encode()
    async with administration(tmp_path) as admin:
        done = (await admin.post("/tokens/import", body)).json
        assert (done["totals"]["add"], len(done["rows"]), len(done["change_ids"])) == (1250, 1000, 13)
        rows = (await admin.get("/tokens?page_size=1000")).json["tokens"]
        assert [row["token"] for row in rows] == [f"session-token-number-{number}" for number in range(1000)]


async def test_the_database_of_another_program_is_read(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    engine = create_engine(f"sqlite:///{path}")
    fill_v2(engine)
    engine.dispose()
    async with administration(tmp_path) as admin:
        done = (await admin.post("/tokens/import", path.read_bytes())).json
        assert done["totals"]["add"] > 0
        broken = b"SQLite format 3\x00" + b"x" * 5000
        answer = await admin.post("/tokens/import", broken)
        assert (answer.status, answer.error["code"]) == (400, "invalid_format")
        assert str(tmp_path) not in answer.error["message"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/tokens/import", b"", "invalid_format"),
        ("/tokens/import", b"# nothing\n\n", "invalid_format"),
        ("/tokens/import", b"\xff\xfe\x00", "invalid_format"),
        ("/tokens/import", b'{"basic": [', "invalid_format"),
        ("/tokens/import", b"[" * 10_000, "invalid_format"),
        ("/tokens/import?format=toml", b"a = [", "invalid_format"),
        ("/tokens/import?format=csv", b"a,b\n1,2\n", "invalid_format"),
        ("/tokens/import?format=xls", b"x", "invalid_format"),
        ("/tokens/import?pool=premium", b"x", "invalid_pool"),
        (f"/tokens/import?tags={'x' * 70}", b"x", "tag_too_long"),
        ("/tokens/import?on_existing=never", b"x", "invalid_value"),
    ],
)
async def test_what_holds_no_account_is_refused(tmp_path: Path, path: str, body: bytes, code: str) -> None:
    async with administration(tmp_path) as admin:
        answer = await admin.post(path, body)
        assert (answer.status, answer.error["code"]) == (400, code)


async def test_an_import_reaches_for_nothing_but_its_body(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        for body in (b"redis://127.0.0.1:1/0", b"file:///etc/passwd", str(tmp_path / "config.toml").encode(), b"-"):
            answer = await admin.post("/tokens/import?dry_run=true", body)
            assert answer.status in (200, 400)
            assert "root:" not in answer.body.decode()
