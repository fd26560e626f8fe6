"""The admin API of a whole gateway, over the network: what it changes is in force in the next request."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from asking import TEXT, ask
from rig import BASIC, CHAT, HEAVY, SUPER, Rig, rigged

ONE = (("sim-basic-1", BASIC),)


async def said(rig: Rig, **headers: str) -> tuple[int, str]:
    """Status and text of one chat."""
    status, _, body = await rig.post(CHAT, ask("chat"), **headers)
    return status, TEXT["chat"](body) if status == 200 else body.decode()


async def test_a_disabled_account_serves_no_more_and_an_enabled_one_does(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        rig.world.on(script="hello")
        assert await said(rig) == (200, "hello")
        await rig.admin("POST", "/tokens/disabled", {"token": "sim-basic-1", "disabled": True})
        status, text = await said(rig)
        assert (status, "1 disabled" in text) == (429, True)
        _, listed = await rig.admin("GET", "/tokens")
        assert [(row["status"], row["use_count"]) for row in listed["tokens"]] == [("disabled", 1)]
        await rig.admin("POST", "/tokens/disabled", {"token": "sim-basic-1", "disabled": False})
        assert await said(rig) == (200, "hello")


async def test_an_account_that_is_added_serves_at_once(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        rig.world.account("sim-basic-1", BASIC)
        rig.world.on(script="hello")
        assert (await said(rig))[0] == 429
        _, done = await rig.admin("POST", "/tokens/add", {"tokens": ["sso=sim-basic-1"], "pool": "basic"})
        assert done["count"] == 1
        assert await said(rig) == (200, "hello")


async def test_a_tier_that_nobody_named_is_known_when_adding_is_answered(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        for token, tier in (("sim-basic-1", BASIC), ("sim-super-1", SUPER), ("sim-heavy-1", HEAVY)):
            rig.world.account(token, tier)
        tokens = ["sim-basic-1", "sim-super-1", "sim-heavy-1"]
        _, done = await rig.admin("POST", "/tokens/add", {"tokens": tokens, "pool": "auto"})
        assert (done["count"], done["synced"]) == (3, True)
        assert [one["pool"] for one in done["accounts"]] == ["basic", "super", "heavy"]
        _, listed = await rig.admin("GET", "/tokens", pool="heavy")
        (heavy,) = listed["tokens"]
        assert (heavy["token"], heavy["quota"]["heavy"]["source"]) == ("sim-heavy-1", "real")


async def test_quotas_are_asked_for_by_hand_with_a_result_for_each(tmp_path: Path) -> None:
    accounts = (("sim-super-1", SUPER), ("sim-super-2", SUPER))
    async with rigged(tmp_path, accounts=accounts) as rig:
        rig.world.accounts["sim-super-2"].state = "blocked"
        status, done = await rig.admin("POST", "/batch/refresh", {"tokens": ["sim-super-1", "sim-super-2"]})
        assert (status, done["summary"]) == (200, {"total": 2, "ok": 1, "fail": 1})
        good, bad = sorted(done["results"].values(), key=lambda result: "error" in result)
        assert (good["refreshed"], good["pool"]) == (1, "super")
        assert {"auto", "fast", "expert", "grok_4_3"} <= set(good["modes"])
        assert bad["error"]
        _, standing = await rig.admin("GET", "/status")
        assert {job["name"] for job in standing["jobs"]} >= {"configuration", "store-sync", "quota-super"}
        assert standing["storage"]["healthy"]


async def test_client_keys_and_defaults_change_for_the_next_request(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        rig.world.on(script="hello")
        status, saved = await rig.admin("POST", "/config", {"app": {"api_key": ["a-new-client-key"]}})
        assert (status, saved["changed"]) == (200, ["app.api_key"])
        assert (await said(rig))[0] == 401
        assert await said(rig, authorization="Bearer a-new-client-key") == (200, "hello")
        assert "a-new-client-key" in (tmp_path / "config.toml").read_text()
        _, shown = await rig.admin("GET", "/config")
        assert shown["app"]["api_key"] == ["********"]


async def test_the_way_out_changes_while_a_stream_goes_on(tmp_path: Path) -> None:
    """No proxy listens there, so that nothing gets through; the stream that has begun is not touched."""
    async with rigged(tmp_path, accounts=ONE) as rig:
        rig.world.on(script="One two three four five.", fault="pause@2=0.3", times=1)
        async with rig.http.post(rig.url + CHAT, json=ask("chat")) as answer:
            first = await answer.content.readany()
            dead = {"mode": "single_proxy", "proxy_url": "http://127.0.0.1:9"}
            assert (await rig.admin("POST", "/config", {"proxy": {"egress": dead}}))[0] == 200
            status, text = await said(rig)
            assert (status, "proxy" in text) == (502, True)
            _, standing = await rig.admin("GET", "/status")
            assert standing["egress"]["ways"][0]["name"] == "127.0.0.1:9"
            assert TEXT["chat"](first + await answer.read()) == "One two three four five."
        assert (await rig.admin("POST", "/config", {"proxy.egress.mode": "direct"}))[0] == 200
        rig.world.on(script="hello")
        assert await said(rig) == (200, "hello")


async def test_conversations_move_to_websockets_and_back(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=(("sim-super-1", SUPER),)) as rig:
        rig.world.on(script="hello")
        for transport in ("ws", "rest", "ws"):
            assert (await rig.admin("POST", "/config", {"upstream.web.transport": transport}))[0] == 200
            assert await said(rig) == (200, "hello")
        over = [entry.path for entry in rig.world.journal.chats]
        assert len(set(over)) == 2
        assert over[0] == over[2] != over[1]


async def test_a_file_that_is_edited_by_hand_is_taken_over(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        (tmp_path / "config.toml").write_text('[app]\napi_key = "by-hand-key"\n')
        await rig.app.configured.look()
        assert (await said(rig))[0] == 401
        (tmp_path / "config.toml").write_text("[app\n")
        await rig.app.configured.look()
        assert (await said(rig))[0] == 401


async def test_the_switch_is_turned_for_many_with_a_result_for_each(tmp_path: Path) -> None:
    accounts = (("sim-basic-1", BASIC), ("sim-basic-2", BASIC), ("sim-super-1", SUPER))
    async with rigged(tmp_path, accounts=accounts) as rig:
        rig.world.on(endpoint="features", account="sim-super-1", fault="grpc-refuse")
        status, done = await rig.admin("POST", "/batch/nsfw", {"tokens": []}, enabled="true", concurrency=2)
        assert (status, done["summary"]) == (200, {"total": 3, "ok": 2, "fail": 1})
        _, listed = await rig.admin("GET", "/tokens", tag="nsfw")
        assert {row["token"] for row in listed["tokens"]} == {"sim-basic-1", "sim-basic-2"}
        assert {rig.world.accounts[token].nsfw for token, _ in accounts[:2]} == {True}
        refused = [result["error"] for result in done["results"].values() if "error" in result]
        assert "That setting cannot be changed" in refused[0]
        _, undone = await rig.admin("POST", "/batch/nsfw", {"tokens": ["sim-basic-1"]}, enabled="false")
        assert list(undone["results"].values()) == [{"success": True, "tagged": True}]
        _, listed = await rig.admin("GET", "/tokens", tag="nsfw")
        assert [row["token"] for row in listed["tokens"]] == ["sim-basic-2"]


async def test_a_task_is_followed_over_the_network(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        query = {"enabled": "true", "async": "true"}
        _, begun = await rig.admin("POST", "/batch/nsfw", {"tokens": ["sim-basic-1"]}, **query)
        key = (tmp_path / "admin.key").read_text().strip()
        url = f"{rig.url}/admin/api/batch/{begun['task_id']}/stream?app_key={key}"
        async with rig.http.get(url) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["x-request-id"]
            frames = [json.loads(line[6:]) for line in (await answer.text()).splitlines() if line]
        assert (frames[0]["type"], frames[-1]["type"]) == ("snapshot", "done")
        assert frames[-1]["result"]["summary"] == {"total": 1, "ok": 1, "fail": 0}


async def test_a_client_that_leaves_a_batch_ends_it(tmp_path: Path) -> None:
    accounts = tuple((f"sim-basic-{number}", BASIC) for number in range(1, 6))
    async with rigged(tmp_path, accounts=accounts) as rig:
        rig.world.on(endpoint="features", fault="silent-head=30")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await rig.admin("POST", "/batch/nsfw", {"tokens": []}, concurrency=1)
        asked = len(rig.world.journal.of("features"))
        async with aiohttp.ClientSession() as http, http.get(f"{rig.url}/health") as answer:
            assert answer.status == 200
        await asyncio.sleep(0.1)
        assert len(rig.world.journal.of("features")) == asked <= 1


async def test_the_document_and_its_page_are_served(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        _, spec = await rig.admin("GET", "/openapi.json")
        assert "/admin/api/tokens" in spec["paths"]
        async with rig.http.get(f"{rig.url}/admin/api/docs") as answer:
            assert answer.status == 401
