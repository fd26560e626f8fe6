"""The journal says what was asked and how each exchange ended; the control endpoints show and change the world."""

import asyncio
import time

import aiohttp
import pytest

from grok2api.simulator import reference
from grok2api.simulator.faults import FAULTS
from grok2api.simulator.scenarios import read_scenario
from simulated import ask, chat, console_headers, cookie, post, said


async def test_an_entry_names_the_account_the_mode_and_the_body(simulator):
    await chat(simulator, "[user]: hi sim:double")
    entry = simulator.world.journal.chats[0]
    assert (entry.account, entry.token, entry.mode) == ("demo-super-1", "demo-super-1", "expert")
    assert (entry.body["message"], entry.faults, entry.status) == ("[user]: hi sim:double", ["double"], 200)
    assert (entry.ended, entry.sent > 500) == ("complete", True)


@pytest.mark.parametrize(
    ("word", "ended"), [("cut@5", "broken"), ("reset@5", "broken"), ("500", "rejected"), ("eof@5", "complete")]
)
async def test_how_it_ended_is_told_apart(simulator, word, ended):
    await chat(simulator, f"[user]: sim:{word}")
    assert simulator.world.journal.chats[0].ended == ended


@pytest.mark.parametrize("fault", ["silent-head=60", "silent=60", "pause@2=60"])
@pytest.mark.parametrize("path", ["/rest/app-chat/conversations/new", "/v1/responses"])
async def test_S13_a_caller_that_leaves_is_noted_within_250_ms(simulator, fault, path):
    simulator.world.on(fault=fault)
    body = {"modeId": "fast", "message": "hi", "model": "grok-4.3", "input": "hi", "stream": True}

    async def read():
        async with (
            aiohttp.ClientSession() as session,
            session.post(simulator.url + path, json=body, headers=console_headers()) as answer,
        ):
            await answer.read()

    reading = asyncio.ensure_future(read())
    journal = simulator.world.journal
    entry = await journal.wait(lambda entry: "silent-head" in fault or entry.sent > 0 or "silent=" in fault)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    left = time.monotonic()
    await journal.wait(lambda one: one.ended == "disconnected", within=2)
    assert time.monotonic() - left < 0.25
    assert entry.ended_at is not None


async def test_waiting_for_what_never_comes_times_out(simulator):
    with pytest.raises(TimeoutError):
        await simulator.world.journal.wait(lambda entry: False, within=0.01)


async def test_the_shown_journal_has_no_cookie_and_no_key(simulator):
    await chat(simulator, "[user]: hi")
    shown = await ask("GET", f"{simulator.url}/_sim/journal?endpoint=web&account=demo-super-1")
    assert len(shown.json) == 1
    assert shown.json[0]["headers"]["cookie-names"] == "sso, sso-rw"
    assert "sso=" not in shown.text
    assert (await ask("GET", f"{simulator.url}/_sim/journal?ended=broken")).json == []


async def test_a_scenario_posted_as_json_takes_effect_and_is_counted(simulator):
    scenario = {
        "match": {"account": "demo-super-1", "mode": "grok43", "contains": "moons", "nth": 2},
        "fault": ["gzip", "429=5"],
        "times": 1,
    }
    url = f"{simulator.url}/_sim/scenarios"
    assert (await post(url, scenario)).status == 201
    messages = ("moons", "nothing", "moons", "moons")
    statuses = [(await chat(simulator, message, mode="grok-420-computer-use-sa")).status for message in messages]
    assert statuses == [200, 200, 429, 200]
    listed = (await ask("GET", url)).json
    assert (listed[0]["fault"], listed[0]["used"]) == (["gzip", "429=5"], 1)
    await ask("DELETE", url)
    assert (await ask("GET", url)).json == []


@pytest.mark.parametrize(
    "scenario",
    [{"fault": "nothing"}, {"match": {"acount": "x"}}, {"falt": "cut"}, {"script": {"steps": [{"type": "x"}]}}, 5],
)
async def test_a_scenario_that_does_not_read_is_refused_with_the_reason(simulator, scenario):
    got = await post(f"{simulator.url}/_sim/scenarios", [{"fault": "429"}, scenario])
    assert (got.status, bool(got.json["error"])) == (400, True)
    assert simulator.world.scenarios == []


async def test_scripts_are_written_as_json(simulator):
    steps = [{"type": "think", "text": "Hm."}, {"type": "say", "text": "Phobos."}]
    simulator.world.scenarios.append(read_scenario({"script": {"steps": steps}}))
    assert said(await chat(simulator, "[user]: hi")) == "Phobos."
    simulator.world.scenarios.append(read_scenario({"script": "Deimos."}))
    assert said(await chat(simulator, "[user]: hi")) == "Deimos."


async def test_accounts_are_added_shown_and_reset(simulator):
    account = {"token": "mine", "tier": "super", "windows": {"grok43": {"total": 1, "seconds": 60}}}
    assert (await post(f"{simulator.url}/_sim/accounts", account)).status == 201
    assert (await chat(simulator, "hi", mode="grok-420-computer-use-sa", token="mine")).status == 200
    listed = (await ask("GET", f"{simulator.url}/_sim/accounts")).json
    mine = next(one for one in listed if one["token"] == "mine")
    assert mine["windows"]["grok-420-computer-use-sa"]["remaining"] == 0
    await post(f"{simulator.url}/_sim/reset", {})
    assert (await chat(simulator, "hi", token="mine")).status == 401
    assert (await post(f"{simulator.url}/_sim/accounts", {"tier": "super"})).status == 400


async def test_a_path_that_no_upstream_has_is_404(simulator):
    assert (await ask("GET", f"{simulator.url}/v1/nothing", cookie())).status == 404


def test_every_fault_is_on_the_page(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "simulator.md").read_text("utf-8")
    assert [row.name for row in FAULTS.values() if f"| `{row.written}` |" not in page] == []
    assert reference.rewritten(page) == page, "run python -m grok2api.simulator.reference docs/simulator.md"
