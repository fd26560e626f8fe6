"""Each endpoint answers in its recorded shape and checks what the real one checks."""

import json

import pytest

from grok2api.simulator.script import Cite, Say, Script, Search, Think, WebResult
from grok2api.simulator.world import World, WorldOptions
from simulated import ask, chat, console_headers, cookie, post, respond, said, simulating, spoken

MOONS = Script(
    steps=(
        Think("Looking", tag="header"),
        Search("moons", web=(WebResult("https://example.org/a", "A"),)),
        Say("Phobos is one."),
        Cite("https://example.org/a", "A"),
    )
)


async def test_a_chat_is_told_in_lines_from_the_conversation_to_the_final_metadata(simulator):
    simulator.world.on(script=MOONS)
    lines = (await chat(simulator, "[user]: moons?")).lines
    kinds = [next(iter(line["result"].get("response", line["result"]))) for line in lines]
    assert kinds[:3] == ["conversation", "userResponse", "llmInfo"]
    assert kinds[-4:] == ["token", "modelResponse", "finalMetadata", "title"]
    frames = [line["result"].get("response", {}) for line in lines]
    assert [f["token"] for f in frames if f.get("isThinking") and f.get("messageTag") == "header"] == ["Looking"]
    assert next(f for f in frames if "webSearchResults" in f)["webSearchResults"]["results"][0]["title"] == "A"
    card = json.loads(next(f for f in frames if "cardAttachment" in f)["cardAttachment"]["jsonData"])
    assert (card["type"], card["url"]) == ("render_inline_citation", "https://example.org/a")
    whole = next(f for f in frames if "modelResponse" in f)["modelResponse"]
    assert whole["message"].startswith("Phobos is one.<grok:render card_id=")


async def test_the_console_numbers_its_events_and_ends_with_what_it_streamed(simulator):
    simulator.world.on(script=MOONS)
    events = (await respond(simulator, "moons?")).events
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    final = events[-1]["response"]
    assert (events[-1]["type"], final["status"]) == ("response.completed", "completed")
    assert [item["type"] for item in final["output"]] == ["reasoning", "web_search_call", "message"]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == final["output"]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    part = final["output"][-1]["content"][0]
    assert part["text"] == text == "Phobos is one.[[1]](https://example.org/a)"
    note = part["annotations"][0]
    assert text[note["start_index"] : note["end_index"]] == "[[1]](https://example.org/a)"
    assert final["usage"]["total_tokens"] == final["usage"]["input_tokens"] + final["usage"]["output_tokens"]


async def test_a_call_without_streaming_gets_the_response_object(simulator):
    simulator.world.on(script="Hi.")
    got = await respond(simulator, "hello", stream=False)
    assert got.headers["Content-Type"].startswith("application/json")
    assert got.json["output"][0]["content"][0]["text"] == "Hi."


async def test_the_official_api_takes_its_key_and_no_cookie(simulator):
    headers = {"Authorization": "Bearer xai-demo-api-1"}
    body = {"model": "grok-4.3", "input": "hi", "stream": True}
    assert spoken(await post(f"{simulator.url}/v1/responses", body, headers)).startswith("Hello!")
    wrong = await post(f"{simulator.url}/v1/responses", body, {"Authorization": "Bearer xai-wrong"})
    assert (wrong.status, "Incorrect API key" in wrong.json["error"]) == (400, True)
    listed = await ask("GET", f"{simulator.url}/v1/models", headers)
    assert "grok-4.3" in [model["id"] for model in listed.json["data"]]
    key = await ask("GET", f"{simulator.url}/v1/api-key", headers)
    assert key.json["api_key_blocked"] is False


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), (cookie("nobody"), 401), ({"Cookie": "sso=demo-super-1; sso-rw=other"}, 401), (cookie(), 200)],
)
async def test_a_cookie_must_be_that_of_a_known_account(simulator, headers, status):
    url = f"{simulator.url}/rest/app-chat/conversations/new"
    assert (await post(url, {"modeId": "fast", "message": "hi"}, headers)).status == status


@pytest.mark.parametrize(
    "body",
    [
        {"modeId": "fast", "message": "hi", "temporary": True, "connectors": [], "toolOverrides": {}},
        {"modeId": "fast", "message": "hi", "disabledConnectorIds": []},
        {"modelName": "grok-4", "modelMode": "MODEL_MODE_FAST", "message": "hi", "isReasoning": False},
    ],
)
async def test_each_known_request_variant_is_answered_in_the_same_way(simulator, body):
    got = await post(f"{simulator.url}/rest/app-chat/conversations/new", body, cookie())
    assert (got.status, said(got).startswith("Hello!")) == (200, True)
    assert simulator.world.journal.entries[-1].mode == "fast"
    assert simulator.world.journal.entries[-1].notes == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, 3),
        (b"[]", 400, 3),
        ({"modeId": "fast"}, 400, 3),
        ({"modeId": "fast", "message": "  "}, 400, 3),
        ({"modeId": "fast", "message": 1}, 400, 3),
        ({"modeId": "unheard", "message": "hi"}, 400, 3),
        ({"message": "hi"}, 400, 3),
        ({"modeId": "fast", "message": "hi", "temporary": "yes"}, 400, 3),
        ({"modeId": "fast", "message": "hi", "fileAttachments": ["nowhere"]}, 404, 5),
    ],
)
async def test_a_bad_chat_is_refused_with_its_code(simulator, body, status, code):
    got = await post(f"{simulator.url}/rest/app-chat/conversations/new", body, cookie())
    assert (got.status, got.json["code"]) == (status, code)


async def test_an_unknown_field_is_noted_and_refused_only_when_strict(simulator):
    body = {"modeId": "fast", "message": "hi", "novelty": 1}
    assert (await post(f"{simulator.url}/rest/app-chat/conversations/new", body, cookie())).status == 200
    assert simulator.world.journal.entries[-1].notes == ["unknown field: novelty"]
    async with simulating(World(options=WorldOptions(strict=True))) as strict:
        assert (await post(f"{strict.url}/rest/app-chat/conversations/new", body, cookie())).status == 400


async def test_a_conversation_goes_on_for_its_account_after_either_id(simulator):
    first = (await chat(simulator, "[user]: hi")).lines
    conversation = first[0]["result"]["conversation"]["conversationId"]
    turn = first[1]["result"]["response"]
    url = f"{simulator.url}/rest/app-chat/conversations/{conversation}/responses"
    for parent in (turn["responseId"], turn["userResponse"]["responseId"]):
        body = {"modeId": "expert", "message": "and?", "responseId": parent}
        got = await post(url, body, cookie())
        assert got.status == 200
        assert "conversation" not in got.lines[0]["result"]
    assert (await post(url, {"modeId": "expert", "message": "and?"}, cookie("demo-super-2"))).status == 404
    assert (await post(url, {"modeId": "expert", "message": "?", "responseId": "x"}, cookie())).status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "grok-4.3"}, 422),
        ({"model": "grok-4.3", "input": []}, 422),
        ({"model": "grok-4.3", "input": "hi", "tools": [1]}, 422),
        ({"model": "nothing", "input": "hi"}, 404),
        ({"model": "grok-4.3", "input": "hi", "tools": [{"type": "web_search"}, {"type": "web_search"}]}, 400),
        ({"model": "grok-4.3", "input": "hi", "tool_choice": "required"}, 400),
        ({"model": "grok-4.3", "input": "hi", "tool_choice": "required", "tools": [{"type": "web_search"}]}, 200),
    ],
)
async def test_a_bad_console_call_is_refused(simulator, body, status):
    assert (await post(f"{simulator.url}/v1/responses", body, console_headers())).status == status


async def test_a_console_call_needs_an_authorization(simulator):
    got = await post(f"{simulator.url}/v1/responses", {"model": "grok-4.3", "input": "hi"}, cookie())
    assert got.status == 401


async def test_usage_lists_three_kinds_and_when_one_was_used_last(simulator):
    async def quotas():
        return (await ask("GET", f"{simulator.url}/v1/usage", console_headers())).json["quotas"]

    before = await quotas()
    await respond(simulator, "hi")
    after = await quotas()
    assert [quota["kind"] for quota in before] == ["chat", "image", "video"]
    assert "last_consumed_at" not in before[0]
    assert isinstance(after[0]["last_consumed_at"], int)
    assert (before[0]["remaining"], after[0]["remaining"]) == (20, 19)


async def test_the_session_says_whose_cookie_it_is(simulator):
    async def session(token):
        return (await ask("GET", f"{simulator.url}/api/auth/session", cookie(token))).json

    account = simulator.world.accounts["demo-super-1"]
    known = await session("demo-super-1")
    assert (known["status"], known["user"]["id"]) == ("authenticated", account.user_id)
    assert await session("nobody") == {"status": "unauthenticated"}
    account.state = "blocked"
    assert await session("demo-super-1") == {"status": "blocked"}


async def test_the_older_form_of_the_quota_query_is_answered(simulator):
    body = {"requestKind": "DEFAULT", "modelName": "grok-4"}
    got = await post(f"{simulator.url}/rest/rate-limits", body, cookie())
    assert got.json["totalQueries"] == 50
    assert (await post(f"{simulator.url}/rest/rate-limits", {"modelName": "?"}, cookie())).status == 400


async def test_a_burst_is_one_write_with_ids_of_its_own():
    async with simulating(World(options=WorldOptions(burst=True))) as running:
        running.world.on(script="Hello there.")
        answers = [await chat(running, "[user]: hi") for _ in range(3)]
    ids = {got.lines[0]["result"]["conversation"]["conversationId"] for got in answers}
    assert (len(ids), [said(got) for got in answers]) == (3, ["Hello there."] * 3)
