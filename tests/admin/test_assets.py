"""Files of accounts at grok.com, over all accounts."""

from pathlib import Path

from admin_calls import account, administration
from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import State
from grok2api.canonical.problem import Kind, Problem
from grok2api.catalog import Tier
from grok2api.upstreams.media import Asset

ONE, TWO = account("one", created_at=1.0), account("two", created_at=2.0)
CROWD = [ONE, TWO, disabled(account("off")), account("key", Tier.API)]
FILE = Asset(id="f1", name="a.jpg", path="users/u/a.jpg", mime="image/jpeg", size=7, created_at="2026-01-01T00:00:00Z")
DEAD = Problem(kind=Kind.CREDENTIAL, message="grok.com says that the session is dead")


async def test_the_files_of_all_accounts_with_what_went_wrong_for_one(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.upstream.files[ONE.id] = [FILE]
        admin.upstream.problems[TWO.id] = DEAD
        answer = await admin.get("/assets")
        assert answer.status == 200
        first, second = answer.json["tokens"]
        assert first == {
            "id": ONE.id,
            "token": ONE.secret,
            "masked": first["masked"],
            "count": 1,
            "assets": [
                {
                    "id": "f1",
                    "name": "a.jpg",
                    "file_path": "users/u/a.jpg",
                    "content_type": "image/jpeg",
                    "size": 7,
                    "created_at": "2026-01-01T00:00:00Z",
                }
            ],
            "error": None,
        }
        assert ONE.secret not in first["masked"]
        assert (second["id"], second["count"], second["error"]) == (TWO.id, 0, DEAD.message)
        assert answer.json["total_assets"] == 1
        assert admin.pool.get(TWO.id).state is State.EXPIRED
        assert admin.pool.get(ONE.id).state is State.ACTIVE


async def test_accounts_come_page_by_page_and_masked_on_request(tmp_path: Path) -> None:
    crowd = [account(f"n{number}", created_at=float(number)) for number in range(5)]
    async with administration(tmp_path, accounts=crowd) as admin:
        pages = [(await admin.get("/assets", page=page, page_size=2, mask="true")).json for page in (1, 2, 3)]
        assert [holder["id"] for page in pages for holder in page["tokens"]] == [one.id for one in crowd]
        assert [page["pagination"]["has_more"] for page in pages] == [True, True, False]
        assert crowd[0].secret not in str(pages)


async def test_no_more_lists_are_asked_for_at_once_than_the_setting_says(tmp_path: Path) -> None:
    crowd = [account(f"n{number}") for number in range(9)]
    async with administration(tmp_path, accounts=crowd, settings={"batch.asset_list_concurrency": 2}) as admin:
        await admin.get("/assets")
        assert admin.upstream.most == 2


async def test_one_file_is_deleted_and_then_all(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.upstream.files[ONE.id] = [FILE, *(Asset(id=f"g{number}") for number in range(20))]
        answer = await admin.post("/assets/delete-item", {"token": ONE.secret, "asset_id": "f1"})
        assert answer.json == {"status": "success"}
        answer = await admin.post("/assets/clear-token", {"token": ONE.id})
        assert answer.json == {"status": "success", "deleted": 20}
        assert admin.upstream.files[ONE.id] == []


async def test_what_is_wrong_with_a_file_or_its_account_is_said(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.upstream.problems[ONE.id] = DEAD
        for path, body, code in (
            ("/assets/delete-item", {"token": "nobody", "asset_id": "x"}, "account_not_found"),
            ("/assets/delete-item", {"token": ONE.id, "asset_id": " "}, "invalid_value"),
            ("/assets/delete-item", {"token": ONE.id}, "missing_required_parameter"),
            ("/assets/delete-item", {"token": ONE.id, "asset_id": "x"}, "upstream_error"),
            ("/assets/clear-token", {"token": "nobody"}, "account_not_found"),
            ("/assets/clear-token", {"token": ONE.id}, "upstream_error"),
            ("/assets/clear-token", {"token": "acc_key"}, "upstream_error"),
        ):
            assert (await admin.post(path, body)).error["code"] == code


async def test_the_files_of_many_accounts_are_deleted_in_a_batch(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD, settings={"batch.asset_delete_concurrency": 6}) as admin:
        admin.upstream.files[ONE.id] = [FILE]
        answer = await admin.post("/batch/cache-clear", {"tokens": [ONE.secret, "nobody"]})
        assert answer.json["results"][ONE.id] == {"deleted": 1}
        assert answer.json["summary"] == {"total": 2, "ok": 1, "fail": 1}
        everybody = await admin.post("/batch/cache-clear?concurrency=3", {"tokens": []})
        assert set(everybody.json["results"]) == {ONE.id, TWO.id, "acc_key"}
        assert {at_once for _, at_once in admin.upstream.cleared} == {6, 3}
        task = await admin.post("/batch/cache-clear?async=true", {"tokens": [TWO.id]})
        assert (task.json["total"], len(task.json["task_id"])) == (1, 32)
