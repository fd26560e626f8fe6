"""Batches: answered when they are done, or followed as tasks."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from admin_calls import Admin, account, administration
from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import WHOLE, Rest, State
from grok2api.admin.tasks import KEPT_SEC, MOST, MOST_RUNNING, Step, Tasks, Work
from simulated import Clock

ONE, TWO = account("one"), account("two")
CROWD = [
    ONE,
    TWO,
    disabled(account("off")),
    account("dead", state=State.EXPIRED),
    account("doubt", state=State.SUSPECT),
]


def frames(body: bytes) -> list[dict[str, Any]]:
    """The events of a stream; every frame is `data:` only."""
    found = []
    for frame in body.decode().split("\n\n"):
        if frame and not frame.startswith(":"):
            assert frame.startswith("data: ")
            assert "\n" not in frame
            found.append(json.loads(frame[6:]))
    return found


async def test_a_batch_answers_with_a_result_for_each_account(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.upstream.errors[TWO.id] = "The upstream refused."
        answer = await admin.post("/batch/refresh?concurrency=3", {"tokens": [ONE.secret, TWO.id, ONE.id, "nobody"]})
        assert answer.json == {
            "status": "success",
            "summary": {"total": 3, "ok": 1, "fail": 2},
            "results": {
                ONE.id: {"refreshed": 1},
                TWO.id: {"error": "The upstream refused."},
                "tokens.3": {"error": "No account has this token or id"},
            },
        }
        assert admin.upstream.asked == [(ONE.id, 3), (TWO.id, 3)]


async def test_concurrency_is_the_settings_unless_said(tmp_path: Path) -> None:
    settings = {"batch.refresh_concurrency": 6, "batch.nsfw_concurrency": 7}
    async with administration(tmp_path, accounts=CROWD, settings=settings) as admin:
        await admin.post("/batch/refresh", {"tokens": [ONE.id]})
        await admin.post("/batch/nsfw", {"tokens": [ONE.id]})
        assert (admin.upstream.asked, admin.upstream.switched) == ([(ONE.id, 6)], [(ONE.id, True, 7)])


@pytest.mark.parametrize("body", [{"tokens": []}, {}, None])
async def test_an_empty_list_is_everybody_for_the_switch_and_nobody_for_quotas(tmp_path: Path, body: Any) -> None:
    cooling = account("cool", rests={WHOLE: Rest(9e9, 0.0)})
    async with administration(tmp_path, accounts=[*CROWD, cooling]) as admin:
        answer = await admin.post("/batch/nsfw?enabled=false", body)
        assert set(answer.json["results"]) == {ONE.id, TWO.id, "acc_doubt", "acc_cool"}
        assert answer.json["results"][ONE.id] == {"success": True, "tagged": True}
        assert {enabled for _, enabled, _ in admin.upstream.switched} == {False}
        refused = await admin.post("/batch/refresh", body)
        assert (refused.status, refused.error["param"]) == (400, "tokens")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/batch/nsfw?concurrency=zero", {"tokens": [ONE.id]}, 400, "invalid_concurrency"),
        ("/batch/nsfw?concurrency=0", {"tokens": [ONE.id]}, 400, "invalid_concurrency"),
        ("/batch/refresh?concurrency=1001", {"tokens": [ONE.id]}, 400, "invalid_concurrency"),
        ("/batch/nsfw?enabled=maybe", {"tokens": [ONE.id]}, 400, "invalid_enabled"),
        ("/batch/nsfw", {"tokens": ["nobody"]}, 404, "account_not_found"),
        ("/batch/refresh", {"tokens": ["x" * 5000]}, 400, "token_too_long"),
        ("/batch/refresh", {"tokens": "x"}, 400, "invalid_value"),
        ("/batch/none", {}, 405, "method_not_allowed"),
        ("/batch/none/cancel", None, 404, "task_not_found"),
    ],
)
async def test_a_bad_batch_is_refused(tmp_path: Path, path: str, body: Any, status: int, code: str) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        answer = await admin.post(path, body)
        assert (answer.status, answer.error["code"]) == (status, code)
        assert not admin.upstream.asked


async def started(admin: Admin, tokens: list[str]) -> str:
    answer = (await admin.post("/batch/refresh?async=true", {"tokens": tokens})).json
    assert {name: answer[name] for name in ("status", "total")} == {"status": "success", "total": len(tokens)}
    assert set(answer) == {"status", "task_id", "total"}
    assert len(answer["task_id"]) == 32
    return str(answer["task_id"])


async def test_a_task_is_followed_step_by_step(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.upstream.gate = gate = asyncio.Event()
        admin.upstream.errors[TWO.id] = "The upstream refused."
        task_id = await started(admin, [ONE.id, TWO.id])
        assert (await admin.get(f"/batch/{task_id}")).json == {
            "task_id": task_id,
            "status": "running",
            "total": 2,
            "processed": 0,
            "ok": 0,
            "fail": 0,
            "warning": None,
        }
        following = asyncio.ensure_future(admin.get(f"/batch/{task_id}/stream"))
        for _ in range(2):
            await asyncio.sleep(0.01)
            gate.set()
        answer = await following
        assert answer.headers["content-type"].startswith("text/event-stream")
        snapshot, first, second, done = frames(answer.body)
        assert (snapshot["type"], snapshot["status"], snapshot["processed"]) == ("snapshot", "running", 0)
        assert (first["type"], first["processed"], first["item"], first["detail"], first["error"]) == (
            "progress",
            1,
            ONE.id,
            {"refreshed": 1},
            None,
        )
        assert (second["ok"], second["fail"], second["item"], second["detail"], second["error"]) == (
            1,
            1,
            TWO.id,
            {"refreshed": 1},
            "The upstream refused.",
        )
        assert (done["type"], done["status"], done["warning"]) == ("done", "done", "1 of 2 failed")
        assert done["result"] == {
            "status": "success",
            "summary": {"total": 2, "ok": 1, "fail": 1},
            "results": {ONE.id: {"refreshed": 1}, TWO.id: {"error": "The upstream refused."}},
        }


async def test_who_comes_late_is_told_the_end(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        task_id = await started(admin, [ONE.id])
        await admin.parts.tasks.find(task_id).wait()
        assert [event["type"] for event in frames((await admin.get(f"/batch/{task_id}/stream")).body)] == [
            "snapshot",
            "done",
        ]
        assert (await admin.get(f"/batch/{task_id}")).json["result"]["summary"]["ok"] == 1


async def test_a_task_is_cancelled_and_what_was_done_stays_done(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.upstream.gate = gate = asyncio.Event()
        gate.set()
        task_id = await started(admin, [ONE.id, TWO.id])
        following = asyncio.ensure_future(admin.get(f"/batch/{task_id}/stream"))
        while not admin.upstream.asked:
            await asyncio.sleep(0)
        assert (await admin.post(f"/batch/{task_id}/cancel")).json == {"status": "success"}
        last = frames((await following).body)[-1]
        assert (last["type"], last["processed"], list(last["result"]["results"])) == ("cancelled", 1, [ONE.id])
        assert (await admin.post(f"/batch/{task_id}/cancel")).json == {"status": "success"}
        assert (await admin.get(f"/batch/{task_id}")).json["status"] == "cancelled"


async def test_a_task_that_is_cancelled_before_it_began_has_ended(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        task = admin.parts.tasks.start(Work(1, admin.upstream.refresh([ONE.id], 1)))
        task.cancel()
        await task.wait()
        assert task.snapshot().status == "cancelled"


async def test_D4_a_task_says_what_ended_it(tmp_path: Path) -> None:
    async def broken() -> Any:
        raise ValueError("the secret of a bug")
        yield

    async with administration(tmp_path, accounts=CROWD) as admin:
        task = admin.parts.tasks.start(Work(1, broken()))
        await task.wait()
        shown = (await admin.get(f"/batch/{task.ident}")).json
        assert (shown["status"], "secret" in shown["error"]) == ("error", False)
        events = frames((await admin.get(f"/batch/{task.ident}/stream")).body)
        assert [event["type"] for event in events] == ["snapshot", "error"]


async def test_tasks_are_forgotten_after_a_while_and_bounded(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        task_id = await started(admin, [ONE.id])
        await admin.parts.tasks.find(task_id).wait()
        admin.clock.advance(KEPT_SEC - 1)
        assert (await admin.get(f"/batch/{task_id}")).status == 200
        admin.clock.advance(2)
        for path in (f"/batch/{task_id}", f"/batch/{task_id}/stream"):
            assert (await admin.get(path)).error["code"] == "task_not_found"
        ids = []
        for _ in range(MOST + 5):
            ids.append(await started(admin, [ONE.id]))
            await admin.parts.tasks.find(ids[-1]).wait()
        known = [ident for ident in ids if (await admin.get(f"/batch/{ident}")).status == 200]
        assert known == ids[-MOST:]


async def test_no_more_than_a_few_tasks_run_at_once(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.upstream.gate = asyncio.Event()
        ids = [await started(admin, [ONE.id]) for _ in range(MOST_RUNNING)]
        answer = await admin.post("/batch/refresh?async=true", {"tokens": [ONE.id]})
        assert (answer.status, answer.error["code"]) == (503, "too_many_tasks")
        await admin.post(f"/batch/{ids[0]}/cancel")
        assert (await admin.post("/batch/refresh?async=true", {"tokens": [ONE.id]})).status == 200


async def test_S13_a_client_that_leaves_a_batch_ends_it_and_a_task_goes_on(tmp_path: Path) -> None:
    async with administration(tmp_path, accounts=CROWD) as admin:
        admin.upstream.gate = gate = asyncio.Event()
        leave = asyncio.Event()
        body = {"tokens": [ONE.id, TWO.id]}
        batch = asyncio.ensure_future(admin.post("/batch/refresh", body, leave=leave))
        gate.set()
        while not admin.upstream.asked:
            await asyncio.sleep(0)
        leave.set()
        assert (await batch).status == 0
        gate.set()
        await asyncio.sleep(0.01)
        assert admin.upstream.asked == [(ONE.id, 50)]
        gate.clear()
        task_id = await started(admin, [ONE.id])
        follower = asyncio.ensure_future(admin.get(f"/batch/{task_id}/stream", leave=leave))
        assert frames((await follower).body)[0]["type"] == "snapshot"
        gate.set()
        await admin.parts.tasks.find(task_id).wait()
        assert (await admin.get(f"/batch/{task_id}")).json["status"] == "done"


async def test_a_reader_who_is_slow_misses_steps_and_never_the_end() -> None:
    async def many() -> Any:
        for number in range(5000):
            yield Step(f"acc_{number}", {"refreshed": 1})

    tasks = Tasks(Clock(), lambda: "0" * 32)
    task = tasks.start(Work(5000, many()))
    following = task.follow()
    assert (await anext(following)).type == "snapshot"
    await task.wait()
    await asyncio.sleep(0)
    events = [event async for event in following]
    assert len(events) <= 1001
    assert (events[-1].type, events[-1].processed) == ("done", 5000)
