"""The WebSocket gateway: handshake, one turn, the next turn, faults, leaving."""

import contextlib

import aiohttp
import pytest

from grok2api.simulator.script import Cite, Say, Script, Search, Think, WebResult
from simulated import cookie


@contextlib.asynccontextmanager
async def connected(simulator, token="demo-super-1", uid=None):
    uid = simulator.world.accounts[token].user_id if uid is None else uid
    url = f"{simulator.url}/ws/mgw/?uid={uid}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=cookie(token)) as socket:
        yield socket


async def begin(socket, mode="expert", **settings):
    session = {"model": mode, "x_grok": {"is_temporary": True, **settings}}
    await socket.send_json({"event": {"type": "session.create", "event_id": "e1", "session": session}})
    return [await socket.receive_json(timeout=2) for _ in range(2)]


def item(text):
    chunks = [{"text": {"text": text}}]
    return {"type": "message", "role": "user", "x_grok": {"client_message_id": "cm", "input_chunks": chunks}}


async def turn(socket, text, *, one_message=False):
    """Asks and gives every event up to the end, or until the socket closes."""
    if one_message:
        await socket.send_json({"event": {"type": "response.create", "item": item(text)}})
    else:
        await socket.send_json({"event": {"type": "conversation.item.create", "item": item(text)}})
        await socket.send_json({"event": {"type": "response.create"}})
    events = []
    while True:
        message = await socket.receive(timeout=2)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return events
        events.append(message.json()["event"])
        if events[-1]["type"] in ("response.done", "error"):
            return events


def text_of(events, channel="CHANNEL_ASSISTANT_RESPONSE"):
    chunks = [event["chunk"]["text"] for event in events if "text" in event.get("chunk", {})]
    return "".join(chunk["text"] for chunk in chunks if chunk["channel"] == channel)


@pytest.mark.parametrize("one_message", [False, True])
async def test_a_turn_is_told_in_chunks_and_done(simulator, one_message):
    page = WebResult("https://example.org/a", "A", "about")
    steps = (Think("Hm."), Search("moons", web=(page,)), Say("Phobos is one."), Cite(page.url))
    simulator.world.on(script=Script(steps=steps))
    async with connected(simulator) as socket:
        created, attached = await begin(socket)
        assert (created["event"]["type"], created["event"]["client_event_id"]) == ("session.created", "e1")
        assert attached["event"]["conversation"]["id"] == attached["session_id"]
        events = await turn(socket, "[user]: moons?", one_message=one_message)
    assert text_of(events) == "Phobos is one."
    assert text_of(events, "CHANNEL_ANALYSIS") == "Hm.\n"
    chunks = [event["chunk"] for event in events if "chunk" in event]
    found = next(chunk["tool_result"] for chunk in chunks if "tool_result" in chunk)
    assert found["web_search"]["webpages"][0] == {"url": page.url, "title": "A", "snippet": "about"}
    assert next(c["render_citation"] for c in chunks if "render_citation" in c)["url"] == page.url
    assert events[-1]["response"]["status"] == "completed"
    entry = simulator.world.journal.of("socket")[0]
    assert (entry.account, entry.mode, entry.ended) == ("demo-super-1", "expert", "complete")


async def test_a_conversation_is_taken_up_again_by_its_account(simulator):
    async with connected(simulator) as socket:
        conversation = (await begin(socket))[1]["session_id"]
        await turn(socket, "[user]: hi")
    async with connected(simulator) as socket:
        attached = (await begin(socket, conversation_id=conversation))[1]
        assert attached["session_id"] == conversation
    async with connected(simulator, "demo-super-2") as socket:
        session = {"model": "fast", "x_grok": {"conversation_id": conversation}}
        await socket.send_json({"event": {"type": "session.create", "session": session}})
        assert (await socket.receive_json(timeout=2))["event"]["error"]["code"] == 5


@pytest.mark.parametrize(
    ("token", "uid", "state", "status"),
    [("nobody", "x", "ok", 401), ("demo-super-1", "other", "ok", 400), ("demo-super-1", None, "blocked", 403)],
)
async def test_a_bad_handshake_is_refused_with_a_status(simulator, token, uid, state, status):
    simulator.world.accounts["demo-super-1"].state = state
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connected(simulator, token, uid):
            pass
    assert refused.value.status == status


async def test_a_scenario_can_refuse_the_handshake(simulator):
    simulator.world.on(endpoint="handshake", fault="429")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connected(simulator):
            pass
    assert refused.value.status == 429


@pytest.mark.parametrize(
    ("word", "code"),
    [("429", 8), ("401", 16), ("403-anti-bot", 7), ("403-challenge", 7), ("503", 14), ("error=13", 13)],
)
async def test_an_http_error_becomes_an_error_event(simulator, word, code):
    async with connected(simulator) as socket:
        await begin(socket)
        events = await turn(socket, f"[user]: sim:{word}")
    assert (events[-1]["type"], events[-1]["error"]["code"]) == ("error", code)


async def test_modes_and_windows_hold_here_too(simulator):
    async with connected(simulator) as socket:
        await begin(socket, mode="heavy")
        events = await turn(socket, "[user]: hi")
    assert events[-1]["error"]["code"] == 7


@pytest.mark.parametrize("word", ["cut@900", "reset@900", "eof@900", "no-end"])
async def test_an_answer_can_end_before_it_is_done(simulator, word):
    async with connected(simulator) as socket:
        await begin(socket)
        events = await turn(socket, f"[user]: hi sim:{word}")
    assert events[0]["type"] == "response.created"
    assert "response.done" not in [event["type"] for event in events]


async def test_a_huge_frame_and_an_error_after_tokens_arrive(simulator):
    async with connected(simulator) as socket:
        await begin(socket)
        events = await turn(socket, "[user]: hi sim:huge@50000 sim:error@2=16")
    assert any(len(event.get("padding", "")) > 49_000 for event in events)
    assert (len(text_of(events).split()), events[-1]["error"]["code"]) == (2, 16)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"event":{"type":"nothing"}}', '{"event":{"type":"response.create"}}']
)
async def test_a_bad_event_is_answered_by_an_error(simulator, text):
    async with connected(simulator) as socket:
        await socket.send_str(text)
        assert (await socket.receive_json(timeout=2))["event"]["error"]["code"] == 3


async def test_S13_a_heartbeat_is_answered_during_an_answer_and_leaving_is_noted(simulator):
    simulator.world.on(fault="pause@1=60")
    async with connected(simulator) as socket:
        await begin(socket)
        await socket.send_json({"event": {"type": "response.create", "item": item("[user]: hi")}})
        while text_of([(await socket.receive_json(timeout=2))["event"]]) == "":
            pass
        await socket.send_json({"event": {"type": "ping", "event_id": "evt_hb_1"}})
        assert (await socket.receive_json(timeout=2))["event"]["type"] == "pong"
    entry = await simulator.world.journal.wait(lambda entry: entry.endpoint == "socket" and entry.ended != "open", 0.25)
    assert entry.ended == "disconnected"
