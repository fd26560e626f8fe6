"""Background answers through the real server, with the official SDK: polled, left and taken up again, given up."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from asking import CONSOLE, WEB, error_of
from frames import frames, responses_text
from grok2api import app
from grok2api.config.load import Layers
from grok2api.storage.errors import StoreError
from rig import RESPONSES, Rig, rigged
from simulated import Clock

TEXT = "Phobos is a moon of Mars, and it comes down slowly."


class Gate:
    """A pause of the simulator that lasts until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()

    async def __call__(self, _: float) -> None:
        self.reached.set()
        await self.opened.wait()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path) as running:
        yield running


def gated(rig: Rig, *, times: int | None = 1, model: str = WEB) -> Gate:
    """The next answers stop after three tokens until the gate is opened."""
    gate = Gate()
    rig.world.sleep = gate
    rig.world.on(script=TEXT, fault="pause@3=30", times=times)
    return gate


async def until_over(rig: Rig, ident: str) -> Any:
    async with asyncio.timeout(30):
        while True:
            response = await rig.openai.responses.retrieve(ident)
            if response.status not in ("queued", "in_progress"):
                return response
            await asyncio.sleep(0.05)


async def get(rig: Rig, path: str) -> tuple[int, bytes]:
    async with rig.http.get(rig.url + path) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize("model", [WEB, CONSOLE])
async def test_an_answer_is_made_and_polled(rig: Rig, model: str) -> None:
    rig.world.on(script=TEXT)
    begun = await rig.openai.responses.create(model=model, input="hello", background=True, metadata={"a": "1"})
    assert (begun.status, begun.background, begun.output, begun.completed_at) == ("queued", True, [], None)
    over = await until_over(rig, begun.id)
    assert over.completed_at is not None
    assert over.completed_at >= over.created_at
    assert (over.id, over.status, over.output_text, over.background) == (begun.id, "completed", TEXT, True)
    assert over.usage is not None
    assert over.usage.output_tokens > 0
    assert over.metadata == {"a": "1"}
    await rig.settled()


async def test_the_client_who_polls_sees_it_being_worked_on(rig: Rig) -> None:
    gate = gated(rig)
    begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
    await gate.reached.wait()
    assert (await rig.openai.responses.retrieve(begun.id)).status == "in_progress"
    gate.opened.set()
    assert (await until_over(rig, begun.id)).output_text == TEXT


async def test_a_stream_that_is_left_and_taken_up_again_is_the_same_stream(rig: Rig) -> None:
    gate = gated(rig)
    stream = await rig.openai.responses.create(model=WEB, input="hello", background=True, stream=True)
    seen = []
    async for event in stream:
        seen.append(event)
        if event.type == "response.output_text.delta":
            break
    await stream.close()
    assert [event.type for event in seen[:3]] == ["response.created", "response.queued", "response.in_progress"]
    ident, last = seen[0].response.id, seen[-1].sequence_number
    resumed = await rig.openai.responses.retrieve(ident, stream=True, starting_after=last)
    gate.opened.set()
    rest = [event async for event in resumed]
    assert [event.sequence_number for event in [*seen, *rest]] == list(range(len(seen) + len(rest)))
    assert rest[-1].type == "response.completed"
    said = [event.delta for event in [*seen, *rest] if event.type == "response.output_text.delta"]
    assert "".join(said) == rest[-1].response.output_text == TEXT
    assert len(rig.world.journal.chats) == 1
    await rig.settled()


async def test_every_place_to_take_a_stream_up_gives_the_same_bytes(rig: Rig) -> None:
    rig.world.on(script=TEXT)
    body = {"model": WEB, "input": "hello", "background": True, "stream": True}
    status, headers, whole = await rig.post(RESPONSES, body)
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    assert responses_text(whole) == TEXT
    pieces = [frame + b"\n\n" for frame in whole.split(b"\n\n")[:-1]]
    ident = frames(whole)[0].payload["response"]["id"]
    await rig.app.background.beat()
    for place in range(len(pieces) + 1):
        query = "" if not place else f"&starting_after={place - 1}"
        assert await get(rig, f"/v1/responses/{ident}?stream=true{query}") == (200, b"".join(pieces[place:]))
    last = frames(whole)[-2].payload["response"]
    assert json.loads((await get(rig, f"/v1/responses/{ident}"))[1]) == last


async def test_a_live_stream_that_is_taken_up_gets_signs_of_life(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"stream.keepalive_sec": 0.01}) as rig:
        gate = gated(rig)
        begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
        await gate.reached.wait()
        async with rig.http.get(f"{rig.url}/v1/responses/{begun.id}?stream=true") as answer:
            async with asyncio.timeout(5):
                while await answer.content.readline() != b": keepalive\n":
                    pass
            gate.opened.set()
            assert b"response.completed" in await answer.read()


async def test_S13_who_leaves_leaves_only_his_own_stream(rig: Rig) -> None:
    gate = gated(rig)
    body = {"model": WEB, "input": "hello", "background": True, "stream": True}
    async with rig.http.post(rig.url + RESPONSES, json=body) as answer:
        first = await answer.content.readuntil(b"\n\n")
    ident = frames(first)[0].payload["response"]["id"]
    await gate.reached.wait()
    gate.opened.set()
    assert (await until_over(rig, ident)).output_text == TEXT


async def test_S14_a_reader_who_stops_is_given_up_and_the_answer_goes_on(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"stream.write_timeout_sec": 0.3}) as rig:
        rig.world.on(script="0123456789abcdef " * 12_000)
        begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
        host, _, port = rig.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(f"GET {RESPONSES}/{begun.id}?stream=true HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        await reader.readexactly(100)
        assert rig.app.state.active == 2
        assert (await until_over(rig, begun.id)).status == "completed"
        async with asyncio.timeout(5):
            while rig.app.state.active:
                await asyncio.sleep(0.02)
        writer.close()


async def test_cancelling_closes_the_upstream_and_frees_the_account(rig: Rig) -> None:
    gate = gated(rig)
    begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
    resumed = await rig.openai.responses.retrieve(begun.id, stream=True)
    await gate.reached.wait()
    async with asyncio.timeout(0.25):
        cancelled = await rig.openai.responses.cancel(begun.id)
        assert rig.app.pool.census().in_flight == 0
    assert (cancelled.id, cancelled.status, cancelled.error) == (begun.id, "cancelled", None)
    events = [event async for event in resumed]
    assert (events[-1].type, events[-1].response.status) == ("response.incomplete", "cancelled")
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert cancelled.output_text == said
    again = await rig.openai.responses.cancel(begun.id)
    assert again == cancelled == await rig.openai.responses.retrieve(begun.id)
    assert all(not account.fail_count for account in rig.app.pool.list())


async def test_one_that_waits_can_be_cancelled_and_one_that_is_over_stays_so(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"background.at_once": 1}) as rig:
        gate = gated(rig)
        first = await rig.openai.responses.create(model=WEB, input="hello", background=True)
        second = await rig.openai.responses.create(model=WEB, input="hello", background=True)
        await gate.reached.wait()
        assert (await rig.openai.responses.retrieve(second.id)).status == "queued"
        assert (await rig.openai.responses.cancel(second.id)).status == "cancelled"
        gate.opened.set()
        assert (await until_over(rig, first.id)).status == "completed"
        assert (await rig.openai.responses.cancel(first.id)).status == "completed"
        assert len(rig.world.journal.chats) == 1


async def test_too_many_are_refused_with_a_time_to_come_back(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"background.at_once": 1, "background.waiting": 1}) as rig:
        gated(rig, times=None)
        for _ in range(2):
            await rig.openai.responses.create(model=WEB, input="hello", background=True)
        status, headers, body = await rig.post(RESPONSES, {"model": WEB, "input": "hello", "background": True})
        assert (status, json.loads(body)["error"]["code"]) == (429, "too_many_background")
        assert int(headers["retry-after"]) > 0


async def test_without_an_account_it_is_refused_at_once(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        status, headers, _ = await rig.post(RESPONSES, {"model": WEB, "input": "hello", "background": True})
        assert (status, "retry-after" in headers) == (429, True)


@pytest.mark.parametrize(
    ("model", "found"),
    [("grok-imagine-image-lite", "/v1/files/image"), ("grok-imagine-video", "/v1/files/video")],
)
async def test_pictures_and_films_are_made_in_the_background_too(rig: Rig, model: str, found: str) -> None:
    begun = await rig.openai.responses.create(model=model, input="a cat", background=True)
    over = await until_over(rig, begun.id)
    assert (over.status, found in over.output_text) == ("completed", True)


async def test_a_failure_is_told_in_the_response_and_in_the_stream(rig: Rig) -> None:
    rig.world.on(script=TEXT, fault="cut@1100")
    _, _, body = await rig.post(RESPONSES, {"model": CONSOLE, "input": "hi", "background": True, "stream": True})
    error = error_of("responses", body)
    over = await until_over(rig, frames(body)[0].payload["response"]["id"])
    assert over.error is not None
    assert (over.status, over.error.code, over.error.message) == ("failed", error["code"], error["message"])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/responses/resp_none", 404, "response_not_found"),
        ("/v1/responses/resp_none?stream=true", 404, "response_not_found"),
        ("/v1/responses/{known}?stream=true&starting_after=x", 400, "invalid_value"),
        ("/v1/responses/{known}?stream=true&starting_after=-1", 400, "invalid_value"),
    ],
)
async def test_what_cannot_be_had_is_refused_by_name(rig: Rig, path: str, status: int, code: str) -> None:
    known = (await rig.openai.responses.create(model=WEB, input="hello", background=True)).id
    got, body = await get(rig, path.format(known=known))
    error = json.loads(body)["error"]
    assert (got, error["code"] if status == 404 else error["param"]) == (
        status,
        code if status == 404 else "starting_after",
    )


async def test_streams_are_forgotten_before_their_answers(tmp_path: Path) -> None:
    clock = Clock(time.time())
    async with rigged(tmp_path, now=clock) as rig:
        rig.world.on(script=TEXT)
        _, _, body = await rig.post(RESPONSES, {"model": WEB, "input": "hi", "background": True, "stream": True})
        ident = frames(body)[0].payload["response"]["id"]
        await until_over(rig, ident)
        clock.advance(25 * 3600)
        await rig.app.background.expire()
        status, refused = await get(rig, f"/v1/responses/{ident}?stream=true")
        assert (status, json.loads(refused)["error"]["code"]) == (400, "stream_not_available")
        assert (await rig.openai.responses.retrieve(ident)).output_text == TEXT
        assert (await rig.openai.responses.cancel(ident)).status == "completed"


# --- restarts, other processes, and a store that is away


@asynccontextmanager
async def another(rig: Rig, now: Clock) -> AsyncIterator[app.App]:
    """A gateway beside the rig's, with the same store."""
    layers = Layers(None, rig.data_dir, {"storage.url": f"sqlite:///{rig.data_dir / 'grok2api.db'}"})
    async with app.running(layers, now=now) as running:
        yield running


async def test_a_stop_in_good_order_says_so(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        gate = gated(rig)
        begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
        await gate.reached.wait()
    async with rigged(tmp_path, accounts=()) as rig:
        over = await rig.openai.responses.retrieve(begun.id)
        assert over.error is not None
        assert (over.status, "stopped" in over.error.message) == ("failed", True)
        assert over.output_text.startswith("Phobos")
        events = [event async for event in await rig.openai.responses.retrieve(begun.id, stream=True)]
        assert events[-1].type == "response.failed"


async def test_what_a_killed_process_leaves_has_failed_when_the_next_one_looks(tmp_path: Path) -> None:
    clock = Clock()
    async with rigged(tmp_path, now=clock) as rig:
        gate = gated(rig)
        begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
        await gate.reached.wait()
        await rig.app.background.beat()
        _kill(rig.app)
        clock.advance(5)
        async with another(rig, clock) as second:
            await second.background.look()
            known = await second.stored.responses.get(begun.id)
            assert known is not None
            assert known.status == "in_progress"
            clock.advance(6)
            await second.background.look()
            known = await second.stored.responses.get(begun.id)
            assert known is not None
            told = json.loads(known.response)
            assert (told["status"], "stopped" in told["error"]["message"]) == ("failed", True)
            sent = frames(b"".join([data async for data in second.background.frames(begun.id, -1)]))
            assert [frame.payload["sequence_number"] for frame in sent] == list(range(len(sent)))
            assert sent[-1].event == "response.failed"


def _kill(running: app.App) -> None:
    """Nothing that the process does from now on leaves a trace, as if it had been killed."""

    class Dead:
        def __getattr__(self, name: str) -> Any:
            async def call(*_: Any, **__: Any) -> Any:
                raise StoreError("dead")

            return call

    running.background._store = Dead()  # type: ignore[assignment]


async def test_another_process_polls_follows_and_cancels(tmp_path: Path) -> None:
    clock = Clock()
    async with rigged(tmp_path, now=clock) as rig, another(rig, clock) as second:
        gate = gated(rig)
        begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
        await gate.reached.wait()
        await rig.app.background.beat()
        known = await second.stored.responses.get(begun.id)
        assert known is not None
        assert known.status == "in_progress"
        follower = second.background.frames(begun.id, 0)
        sent = [await anext(follower)]
        assert frames(sent[0])[0].event == "response.queued"
        cancelling = asyncio.ensure_future(second.background.cancel(begun.id))
        while not cancelling.done():
            await rig.app.background.beat()
            await asyncio.sleep(0.01)
        known = await second.stored.responses.get(begun.id)
        assert known is not None
        assert (known.status, rig.app.pool.census().in_flight) == ("cancelled", 0)
        sent += [data async for data in follower]
        assert frames(b"".join(sent))[-2].payload["response"]["status"] == "cancelled"


async def test_a_store_that_is_away_stops_no_answer(rig: Rig) -> None:
    gate = gated(rig)
    begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
    await gate.reached.wait()
    store = rig.app.background._store
    _kill(rig.app)
    status, _, body = await rig.post(RESPONSES, {"model": WEB, "input": "hello", "background": True})
    assert (status, json.loads(body)["error"]["code"]) == (503, "storage_unavailable")
    gate.opened.set()
    assert (await until_over(rig, begun.id)).output_text == TEXT
    events = [event async for event in await rig.openai.responses.retrieve(begun.id, stream=True)]
    assert events[-1].type == "response.completed"
    rig.app.background._store = store
    await rig.app.background.beat()
    known = await store.get(begun.id)
    assert known is not None
    assert json.loads(known.response)["output"] == [item.to_dict() for item in events[-1].response.output]


@pytest.mark.parametrize("operator", [False, True])
async def test_background_needs_store(tmp_path: Path, operator: bool) -> None:
    async with rigged(tmp_path, settings={"responses.store": False} if operator else {}) as rig:
        more: dict[str, Any] = {} if operator else {"store": False}
        with pytest.raises(openai.BadRequestError) as refused:
            await rig.openai.responses.create(model=WEB, input="hello", background=True, **more)
        assert refused.value.param == "background"


async def test_a_conversation_goes_on_from_a_background_answer_the_moment_it_is_over(rig: Rig) -> None:
    rig.world.on(script=TEXT)
    conversation = await rig.openai.conversations.create()
    stream = await rig.openai.responses.create(
        model=WEB, input="one", background=True, stream=True, conversation=conversation.id
    )
    events = [event async for event in stream]
    assert events[-1].type == "response.completed"
    ident = events[-1].response.id
    for more in ({"previous_response_id": ident}, {"conversation": conversation.id}):
        await rig.openai.responses.create(model=WEB, input="two", **more)  # type: ignore[arg-type]
        asked = json.dumps(rig.world.journal.chats[-1].body)
        assert all(said in asked for said in ("one", TEXT, "two"))
    items = await rig.openai.responses.input_items.list(ident)
    assert [item.content[0].text for item in items.data] == ["one"]  # type: ignore[union-attr]


async def test_one_that_is_not_over_cannot_be_gone_on_from(rig: Rig) -> None:
    gated(rig)
    begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
    with pytest.raises(openai.BadRequestError) as refused:
        await rig.openai.responses.create(model=WEB, input="two", previous_response_id=begun.id)
    assert refused.value.code == "previous_response_not_ready"


async def test_deleting_it_gives_it_up(rig: Rig) -> None:
    gate = gated(rig)
    begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
    await gate.reached.wait()
    await rig.openai.responses.delete(begun.id)
    assert rig.app.pool.census().in_flight == 0
    with pytest.raises(openai.NotFoundError):
        await rig.openai.responses.retrieve(begun.id)


async def test_only_its_own_key_reaches_it(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"app.api_key": "key,other"}) as rig:
        gate = gated(rig)
        begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
        await gate.reached.wait()
        for key, status in (("other", 404), ("wrong", 401)):
            for method, path in (("GET", ""), ("GET", "?stream=true"), ("POST", "/cancel"), ("DELETE", "")):
                headers = {"authorization": f"Bearer {key}"}
                url = f"{rig.url}{RESPONSES}/{begun.id}{path}"
                async with rig.http.request(method, url, headers=headers) as answer:
                    assert answer.status == status, (method, path)
        assert (await rig.openai.responses.cancel(begun.id)).status == "cancelled"


async def test_what_was_not_made_in_the_background_has_no_stream_and_cannot_be_cancelled(rig: Rig) -> None:
    rig.world.on(script=TEXT)
    response = await rig.openai.responses.create(model=WEB, input="hello")
    with pytest.raises(openai.BadRequestError) as refused:
        await rig.openai.responses.cancel(response.id)
    assert refused.value.code == "response_not_cancellable"
    with pytest.raises(openai.BadRequestError) as refused:
        await rig.openai.responses.retrieve(response.id, stream=True)
    assert refused.value.code == "stream_not_available"


async def test_one_request_is_counted_once(rig: Rig) -> None:
    rig.world.on(script=TEXT)
    begun = await rig.openai.responses.create(model=WEB, input="hello", background=True)
    await until_over(rig, begun.id)
    counted = rig.app.counters.values()
    assert (counted["requests.openai_responses"], counted["attempts"], counted[f"models.{WEB}"]) == (1, 1, 1)
    assert counted["tokens.output"] > 0


async def test_a_compaction_is_made_in_the_background_too(rig: Rig) -> None:
    rig.world.on(script=TEXT)
    turns = [{"role": "user", "content": "hello"}, {"type": "compaction_trigger"}]
    _, _, body = await rig.post(RESPONSES, {"model": WEB, "input": turns, "background": True, "stream": True})
    got = frames(body)[:-1]
    assert [frame.payload["sequence_number"] for frame in got] == list(range(len(got)))
    assert [frame.event for frame in got][:3] == ["response.created", "response.queued", "response.in_progress"]
    assert [item["type"] for item in got[-1].payload["response"]["output"]] == ["compaction"]


async def test_a_mistake_of_ours_at_the_beginning_is_told_as_any(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(rig.app.background, "begin", broken)
    status, headers, body = await rig.post(RESPONSES, {"model": WEB, "input": "hello", "background": True})
    assert (status, json.loads(body)["error"]["type"]) == (500, "server_error")
    assert headers["x-request-id"].startswith("req_")
