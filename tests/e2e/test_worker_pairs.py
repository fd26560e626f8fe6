"""Two workers in one event loop, over real Redis: what one learns, the other knows."""

import asyncio
import json
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from asking import TEXT, ask
from coordination.redis_here import proxied, until
from grok2api import app
from grok2api.accounts.model import Source
from grok2api.config.load import Layers
from grok2api.simulator.world import World
from pairs import ADMIN, pair
from rig import CHAT, Rig, _listen


async def set_config(rig: Rig, **changes: Any) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": f"Bearer {ADMIN}"}
    named = {name.replace("__", "."): value for name, value in changes.items()}
    async with rig.http.post(f"{rig.url}/admin/api/config", json=named, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_P1_a_limit_that_one_worker_meets_rests_the_account_in_the_other(tmp_path: Path) -> None:
    async with pair(tmp_path) as (one, other):
        window = one.world.accounts["sim-basic-1"].window("fast")
        assert window is not None
        window.take(time.time())
        window.remaining = 0
        status, _, _ = await one.post(CHAT, ask("chat"))
        assert status == 429
        ident = one.app.pool.idents()[0]

        def rests() -> bool:
            account = other.app.pool.get(ident)
            return account is not None and "fast" in account.rests

        await until(rests, within=1)
        status, headers, body = await other.post(CHAT, ask("chat"))
        assert status == 429
        assert "retry-after" in headers
        assert b"resting" in body
        assert len(one.world.journal.chats) == 1


async def test_quotas_of_a_new_account_are_asked_for_once_and_known_to_both(tmp_path: Path) -> None:
    async with pair(tmp_path, fresh=True) as rigs:
        ident = rigs[0].app.pool.idents()[0]

        def told(rig: Rig) -> bool:
            account = rig.app.pool.get(ident)
            return account is not None and account.windows["fast"].source is Source.REAL

        await until(lambda: all(told(rig) for rig in rigs), within=10)
        assert [rig.app.coordinator.leads for rig in rigs].count(True) == 1
        asked = Counter((entry.account, entry.mode) for entry in rigs[0].world.journal.of("rate_limits"))
        assert set(asked.values()) == {1}
        for rig in rigs:
            enabled = {job.name: job.enabled for job in rig.app.jobs.status()}
            assert enabled["store-write"]
            assert enabled["quota-basic"] == enabled["store-purge"] == rig.app.coordinator.leads


async def test_P13_two_workers_keep_one_cap_and_give_everything_back(tmp_path: Path) -> None:
    limits = {"GROK2API_ACCOUNT__SELECTION__MAX_INFLIGHT": "2"}
    async with pair(tmp_path, environ=(limits, limits)) as (one, other):
        one.world.on(script="One two.", fault="pause@1=0.1")
        answers = await asyncio.gather(*((one, other)[number % 2].post(CHAT, ask("chat")) for number in range(6)))
        assert sorted(status for status, _, _ in answers) == [200, 200, 429, 429, 429, 429]
        one.world.scenarios.clear()
        await one.settled()
        await other.settled()
        ident = one.app.pool.idents()[0]
        sharing = one.app.coordinator.sharing
        assert sharing is not None
        await until(lambda: sharing.take(ident, 1))
        sharing.give(ident)


async def test_O2_a_change_is_in_force_in_every_worker_when_it_is_answered(tmp_path: Path) -> None:
    async with pair(tmp_path) as (one, other):
        status, answer = await set_config(one, app__api_key="key-of-the-clients")
        assert (status, answer["workers"]) == (200, {"others": 1, "done": 1, "refused": []})
        assert "in force in all 2 workers" in answer["message"]
        status, _, _ = await other.post(CHAT, ask("chat"))
        assert status == 401
        status, _, body = await other.post(CHAT, ask("chat"), authorization="Bearer key-of-the-clients")
        assert status == 200
        assert TEXT["chat"](body)


async def test_O2_a_change_reaches_the_file_of_another_machine(tmp_path: Path) -> None:
    there = tmp_path / "there"
    async with pair(tmp_path, there) as (one, other):
        status, answer = await set_config(one, features__thinking=False, app__api_key=["first-key-there", "second-key"])
        assert (status, answer["workers"]["done"]) == (200, 1)
        assert other.app.live.current.features.thinking is False
        assert "first-key-there" in (there / "config.toml").read_text()
        status, answer = await set_config(other, features__thinking=None)
        assert (status, answer["workers"]["done"]) == (200, 1)
        assert one.app.live.current.features.thinking is True


async def test_O2_who_cannot_follow_a_change_is_named_in_the_answer(tmp_path: Path) -> None:
    fixed = {"GROK2API_RETRY__MAX_RETRIES": "3"}
    async with pair(tmp_path, environ=({}, fixed)) as (one, _):
        status, answer = await set_config(one, retry__max_retries=2)
        assert status == 200
        assert answer["workers"]["done"] == 0
        assert "environment" in answer["workers"]["refused"][0]
        assert "1 of 2 workers only" in answer["message"]


async def admin_call(rig: Rig, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with rig.http.request(method, f"{rig.url}/admin/api{path}", json=body, headers=headers) as answer:
        text = await answer.text()
        if answer.headers["content-type"].startswith("text/event-stream"):
            return answer.status, [json.loads(frame[6:]) for frame in text.split("\n\n") if frame.startswith("data: ")]
        return answer.status, json.loads(text)


async def test_a_task_of_one_worker_is_followed_and_cancelled_in_another(tmp_path: Path) -> None:
    async with pair(tmp_path) as (one, other):
        status, begun = await admin_call(one, "POST", "/batch/nsfw?async=true", {"tokens": ["sim-basic-1"]})
        assert status == 200
        task = begun["task_id"]
        await until(lambda: other.app.coordinator.tasks.last(task))  # type: ignore[union-attr]
        status, events = await admin_call(other, "GET", f"/batch/{task}/stream")
        assert (status, events[0]["type"], events[-1]["type"]) == (200, "snapshot", "done")
        assert events[-1] == (await admin_call(one, "GET", f"/batch/{task}/stream"))[1][-1]
        mine, others = [(await admin_call(rig, "GET", f"/batch/{task}"))[1] for rig in (one, other)]
        assert mine == others
        assert others["status"] == "done"
        assert (await admin_call(other, "GET", "/batch/nothing"))[0] == 404

        one.world.on(endpoint="nsfw", fault="slow=60")
        status, begun = await admin_call(one, "POST", "/batch/nsfw?async=true", {"tokens": ["sim-basic-1"]})
        task = begun["task_id"]
        await until(lambda: other.app.coordinator.tasks.last(task))  # type: ignore[union-attr]
        assert await admin_call(other, "POST", f"/batch/{task}/cancel") == (200, {"status": "success"})
        assert (await admin_call(one, "GET", f"/batch/{task}"))[1]["status"] == "cancelled"


async def test_the_status_tells_of_the_workers(tmp_path: Path) -> None:
    async with pair(tmp_path) as (one, _):
        status, found = await admin_call(one, "GET", "/status")
        assert status == 200
        assert found["workers"] == {"kind": "redis", "workers": 2, "away": "", "since": None}


async def test_Z2_a_change_travels_sealed(tmp_path: Path) -> None:
    async with pair(tmp_path) as (one, _):
        link = one.app.coordinator._link  # type: ignore[attr-defined]
        await set_config(one, app__api_key="key-of-the-clients")
        assert b"key-of-the-clients" not in await link.command("DUMP", link.key("news"))


async def test_serving_goes_on_while_redis_is_away_within_each_workers_share(tmp_path: Path) -> None:
    limits = {"GROK2API_ACCOUNT__SELECTION__MAX_INFLIGHT": "4"}
    async with proxied() as proxy, pair(tmp_path, environ=(limits, limits), url=proxy.url) as (one, other):
        assert (await one.post(CHAT, ask("chat")))[0] == 200
        one.world.on(script="One two.", fault="pause@1=0.1")
        for how in (proxy.cut, proxy.hold):
            found = how()
            if found is not None:
                await found
            started = asyncio.get_running_loop().time()
            answers = await asyncio.gather(*((one, other)[number % 2].post(CHAT, ask("chat")) for number in range(4)))
            assert [status for status, _, _ in answers] == [200] * 4
            assert asyncio.get_running_loop().time() - started < 2
            await until(lambda: all(rig.app.coordinator.status().away for rig in (one, other)))
            answers = await asyncio.gather(*((one, other)[number % 2].post(CHAT, ask("chat")) for number in range(8)))
            assert sorted(status for status, _, _ in answers) == [200] * 4 + [429] * 4
            await proxy.open()
            await until(lambda: not any(rig.app.coordinator.status().away for rig in (one, other)))
        answers = await asyncio.gather(*(one.post(CHAT, ask("chat")) for _ in range(4)))
        assert [status for status, _, _ in answers] == [200] * 4


async def test_one_process_has_no_other_workers(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(app.running(Layers(None, tmp_path, {"app.app_key": ADMIN})))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        rig = Rig(await _listen(stack, running), running, World(accounts=()), http, tmp_path)
        status, answer = await set_config(rig, features__thinking=False)
        assert (status, answer["workers"]) == (200, {"others": 0, "done": 0, "refused": []})
        assert running.pool.sharing is None
