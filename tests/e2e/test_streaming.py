"""S1-S15 through the real server, for every dialect and upstream."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from asking import CONSOLE, DIALECTS, MODELS, TEXT, WEB, ask, ended_well, error_of, whole_text
from frames import frames
from grok2api.simulator.world import WorldOptions
from rig import BASIC, CHAT, HEAVY, MESSAGES, RESPONSES, SUPER, rigged

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
every_upstream = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)

#: Enough quota for a request a byte.
MANY = tuple((f"sim-heavy-{number}", HEAVY) for number in range(8))
TWO = (("sim-basic-1", BASIC), ("sim-basic-2", BASIC))


@every_dialect
@every_upstream
async def test_a_streamed_answer_arrives_whole(tmp_path: Path, dialect: str, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Phobos is a moon.")
        status, headers, body = await rig.post(DIALECTS[dialect], ask(dialect, model=model))
        assert status == 200
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["x-request-id"].startswith("req_")
        assert TEXT[dialect](body) == "Phobos is a moon."
        assert ended_well(dialect, body)


@every_dialect
@pytest.mark.parametrize("stream", [True, False])
async def test_S1_no_account_is_429_with_retry_after_never_200(tmp_path: Path, dialect: str, stream: bool) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        status, headers, body = await rig.post(DIALECTS[dialect], ask(dialect, stream=stream))
        assert status == 429
        assert int(headers["retry-after"]) >= 1
        assert "x-should-retry" not in headers
        error = json.loads(body)["error"]
        assert error["type"] == "rate_limit_error"


@every_dialect
@every_upstream
@pytest.mark.parametrize("fault", ["429", "401", "503", "error", "error-nested", "error=16", "eof"])
async def test_S2_S3_a_failure_before_output_is_one_clean_stream_from_another_account(
    tmp_path: Path, dialect: str, model: str, fault: str
) -> None:
    async with rigged(tmp_path, accounts=TWO) as rig:
        rig.world.on(fault=fault, times=1)
        rig.world.on(script="from the other one")
        status, _, body = await rig.post(DIALECTS[dialect], ask(dialect, model=model))
        assert status == 200
        assert TEXT[dialect](body) == "from the other one"
        assert ended_well(dialect, body)
        first, second = rig.world.journal.chats
        assert first.account != second.account


@every_dialect
@every_upstream
@pytest.mark.parametrize("stream", [True, False])
async def test_S3_an_empty_answer_everywhere_is_502_empty_response(
    tmp_path: Path, dialect: str, model: str, stream: bool
) -> None:
    async with rigged(tmp_path, accounts=TWO) as rig:
        rig.world.on(script="")
        status, _, body = await rig.post(DIALECTS[dialect], ask(dialect, model=model, stream=stream))
        assert status == 502
        if dialect != "messages":
            assert json.loads(body)["error"]["code"] == "empty_response"
        assert len(rig.world.journal.chats) == 2
        assert all(account.use_count == 0 for account in rig.app.pool.list())


@every_dialect
@every_upstream
async def test_S4_cut_at_every_byte_means_no_second_attempt_and_an_honest_end(
    tmp_path: Path, dialect: str, model: str
) -> None:
    async with rigged(tmp_path, accounts=MANY, world=WorldOptions(metered=False)) as rig:
        script, text = rig.world.on(script="One two three."), "One two three."
        status, _, body = await rig.post(DIALECTS[dialect], ask(dialect, model=model))
        assert TEXT[dialect](body) == text
        total = rig.world.journal.chats[-1].sent
        assert total > 100
        rig.world.scenarios.remove(script)
        started = 0
        for cut in range(total):
            rig.world.scenarios.clear()
            rig.world.journal.clear()
            rig.world.on(script=text, fault=f"cut@{cut}")
            status, headers, body = await rig.post(DIALECTS[dialect], ask(dialect, model=model))
            assert len(rig.world.journal.chats) == 1, cut
            if status == 200 and not ended_well(dialect, body):
                started += 1
                said = TEXT[dialect](body)
                assert text.startswith(said), cut
                error_of(dialect, body)
            elif status == 200:
                assert TEXT[dialect](body) == text, cut
            else:
                assert status == 502, cut
                assert headers["content-type"] == "application/json"
        assert started > 10
        await rig.settled()


async def test_S4_the_connection_closes_after_a_broken_stream(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(fault="cut@1100", script="word " * 50)
        body = json.dumps(ask("chat")).encode()
        head = (
            f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        async with asyncio.timeout(2):
            answer = await rig.raw(head.encode() + body)
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"0\r\n\r\n")
        assert b'"error"' in answer


@every_dialect
async def test_S5_silence_is_filled_between_events_and_the_payload_stays_the_same(tmp_path: Path, dialect: str) -> None:
    async with rigged(tmp_path, settings={"stream.keepalive_sec": 0.1}) as rig:
        rig.world.on(script="One two three four.", fault="pause@2=0.5")
        _, _, body = await rig.post(DIALECTS[dialect], ask(dialect))
        sign = b"event: ping\n" if dialect == "messages" else b": keepalive\n\n"
        assert body.count(sign) >= 3
        assert TEXT[dialect](body) == "One two three four."
        assert ended_well(dialect, body)


@every_dialect
async def test_S6_an_early_failure_is_a_status_and_a_late_one_is_in_the_stream(tmp_path: Path, dialect: str) -> None:
    async with rigged(tmp_path, settings={"stream.first_byte_hold_sec": 0.2, "retry.max_retries": 0}) as rig:
        rig.world.on(fault=["silent=0.05", "error=13"], times=1)
        status, _, _ = await rig.post(DIALECTS[dialect], ask(dialect))
        assert status == 502
        rig.world.on(fault=["silent=0.6", "error=13"], times=1)
        status, _, body = await rig.post(DIALECTS[dialect], ask(dialect))
        assert status == 200
        assert body.startswith((b": keepalive", b"event: ping"))
        if dialect == "responses":
            assert frames(body)[-1].event in ("response.failed", "error")
        else:
            error_of(dialect, body)


@every_upstream
async def test_S7_a_silent_account_is_left_for_the_next(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path, accounts=TWO, settings={"stream.first_token_timeout_sec": 0.2}) as rig:
        rig.world.on(fault="silent=20", times=1)
        rig.world.on(script="awake")
        status, _, body = await rig.post(CHAT, ask("chat", model=model))
        assert (status, TEXT["chat"](body)) == (200, "awake")
        assert rig.world.journal.chats[0].ended == "disconnected"


async def test_S7_the_deadline_bounds_the_whole(tmp_path: Path) -> None:
    settings = {"stream.request_deadline_sec": 0.3, "retry.max_retries": 0}
    async with rigged(tmp_path, settings=settings) as rig:
        rig.world.on(script="One two three four.", fault="pause@2=20")
        _, _, body = await rig.post(CHAT, ask("chat"))
        assert error_of("chat", body)["code"] == "stream_idle_timeout"


@every_upstream
async def test_S8_usage_comes_when_asked_and_is_never_zero(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Some words to be counted.")
        _, _, plain = await rig.post(CHAT, ask("chat", model=model))
        assert all(f.payload == "[DONE]" or f.payload["choices"] for f in frames(plain))
        _, _, asked = await rig.post(CHAT, ask("chat", model=model, stream_options={"include_usage": True}))
        usage = [f.payload for f in frames(asked) if f.payload != "[DONE]" and not f.payload["choices"]]
        assert len(usage) == 1
        assert usage[0]["usage"]["prompt_tokens"] > 0
        assert usage[0]["usage"]["completion_tokens"] > 0
        assert frames(asked)[-2].payload == usage[0]

        _, _, body = await rig.post(MESSAGES, ask("messages", model=model))
        by_event = {f.event: f.payload for f in frames(body)}
        assert by_event["message_start"]["message"]["usage"]["input_tokens"] > 0
        assert by_event["message_delta"]["usage"]["output_tokens"] > 0

        _, _, body = await rig.post(RESPONSES, ask("responses", model=model))
        usage = next(f.payload for f in frames(body) if f.event == "response.completed")["response"]["usage"]
        assert usage["input_tokens"] > 0
        assert usage["output_tokens"] > 0
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


@pytest.mark.parametrize("when", ["before", "during"])
@pytest.mark.parametrize("stream", [True, False])
@every_dialect
async def test_S13_a_client_that_leaves_frees_account_and_upstream_within_250_ms(
    tmp_path: Path, dialect: str, stream: bool, when: str
) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="One two three four five.", fault="silent=20" if when == "before" else "pause@2=20")
        call = asyncio.ensure_future(rig.post(DIALECTS[dialect], ask(dialect, stream=stream)))
        await rig.world.journal.wait(lambda entry: entry.endpoint == "web" and entry.sent >= 0)
        while not rig.app.pool.census().in_flight:
            await asyncio.sleep(0.005)
        loop = asyncio.get_running_loop()
        left = loop.time()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        entry = await rig.world.journal.wait(lambda entry: entry.ended == "disconnected")
        await rig.settled()
        assert loop.time() - left < 0.25
        assert entry.account == "sim-basic-1"
        account = next(a for a in rig.app.pool.list() if a.secret == "sim-basic-1")
        assert (account.fail_count, account.use_count) == (0, 0)


async def test_S14_a_client_that_does_not_read_is_given_up(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"stream.write_timeout_sec": 0.3}) as rig:
        rig.world.on(script="0123456789abcdef " * 500_000)
        host, _, port = rig.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        body = json.dumps(ask("chat")).encode()
        writer.write(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await reader.readexactly(100)
        assert rig.app.pool.census().in_flight == 1
        async with asyncio.timeout(5):
            while rig.app.pool.census().in_flight:
                await asyncio.sleep(0.02)
        entry = await rig.world.journal.wait(lambda entry: entry.ended == "disconnected")
        assert entry.sent < 16_000_000
        writer.close()


@every_dialect
@every_upstream
@pytest.mark.parametrize("feature", ["think", "search", "agents", "picture"])
async def test_S15_a_whole_answer_equals_the_folded_stream(
    tmp_path: Path, dialect: str, model: str, feature: str
) -> None:
    async with rigged(tmp_path) as rig:
        question = f"moons sim:{feature}"
        _, _, streamed = await rig.post(DIALECTS[dialect], ask(dialect, question, model=model))
        status, _, whole = await rig.post(DIALECTS[dialect], ask(dialect, question, model=model, stream=False))
        assert status == 200, whole
        assert whole_text(dialect, json.loads(whole)) == TEXT[dialect](streamed)
        assert TEXT[dialect](streamed)


@pytest.mark.parametrize("fault", ["gzip", "br", "zstd", "split@1", "split@7", "huge@300000", "slow=0.001"])
@every_upstream
async def test_the_answer_does_not_depend_on_how_its_bytes_travel(tmp_path: Path, model: str, fault: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Über den Wolken, 雲の上.", fault=fault)
        status, _, body = await rig.post(CHAT, ask("chat", model=model))
        assert (status, TEXT["chat"](body)) == (200, "Über den Wolken, 雲の上.")


@every_upstream
@pytest.mark.parametrize("fault", ["html", "garbage"])
async def test_H3_an_unknown_shape_is_an_upstream_error(tmp_path: Path, model: str, fault: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(fault=fault)
        status, _, body = await rig.post(CHAT, ask("chat", model=model, stream=False))
        assert status == 502
        assert b"<" not in body
        assert json.loads(body)["error"]["type"] == "upstream_error"


async def test_the_websocket_transport_serves_the_same_answers(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"upstream.web.transport": "ws"}) as rig:
        rig.world.on(script="over a socket")
        for dialect, path in DIALECTS.items():
            status, _, body = await rig.post(path, ask(dialect))
            assert (status, TEXT[dialect](body)) == (200, "over a socket")
        assert {entry.endpoint for entry in rig.world.journal.chats} == {"socket"}


async def test_n_answers_come_as_n_choices(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="again")
        body = ask("chat", stream=False, n=3)
        _, _, answer = await rig.post(CHAT, body)
        choices = json.loads(answer)["choices"]
        assert [choice["index"] for choice in choices] == [0, 1, 2]
        assert {choice["message"]["content"] for choice in choices} == {"again"}
        _, _, streamed = await rig.post(CHAT, ask("chat", n=2))
        seen = {c["index"] for f in frames(streamed) if f.payload != "[DONE]" for c in f.payload["choices"]}
        assert seen == {0, 1}
        assert len(rig.world.journal.chats) == 5


async def test_S13_pipelined_requests_do_not_cancel_each_other(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig, aiohttp.TCPConnector(limit=1) as connector:
        rig.world.on(script="fine")
        async with aiohttp.ClientSession(connector=connector) as session:
            for _ in range(5):
                async with session.post(rig.url + CHAT, json=ask("chat", model=CONSOLE)) as answer:
                    assert TEXT["chat"](await answer.read()) == "fine"


async def test_P5_S13_clients_killed_at_random_leave_no_lease_behind(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"account.selection.max_inflight": 1000}) as rig:
        rig.world.on(script="One two three four five six seven.", fault="slow=0.002")

        async def one(number: int) -> None:
            try:
                async with asyncio.timeout(0.003 * (number % 17)):
                    await rig.post(CHAT, ask("chat", model=CONSOLE if number % 2 else WEB, stream=number % 3 > 0))
            except TimeoutError:
                pass

        await asyncio.gather(*(one(number) for number in range(300)))
        await rig.settled()
        assert rig.app.state.active == 0


def test_every_dialect_is_covered() -> None:
    assert set(DIALECTS.values()) == {CHAT, RESPONSES, MESSAGES}


async def test_auto_falls_back_to_fast_and_expert_on_the_same_account(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=(("sim-super-1", SUPER),), settings={"retry.max_retries": 2}) as rig:
        rig.world.on(script="from another mode")
        rig.world.on(fault="429", mode="auto")
        rig.world.on(fault="403-mode", mode="fast")
        status, _, body = await rig.post(CHAT, ask("chat", model="grok-4.20-auto"))
        assert (status, TEXT["chat"](body)) == (200, "from another mode")
        assert [entry.mode for entry in rig.world.journal.chats] == ["auto", "fast", "expert"]
        status, _, _ = await rig.post(CHAT, ask("chat", model="grok-4.20-auto"))
        assert rig.world.journal.chats[-1].mode == "expert"
        status, _, _ = await rig.post(CHAT, ask("chat", model="grok-4.20-fast"))
        assert status == 429


async def test_auto_stays_auto_when_the_fallback_is_off(tmp_path: Path) -> None:
    settings = {"features.auto_chat_mode_fallback": False}
    async with rigged(tmp_path, accounts=(("sim-super-1", SUPER),), settings=settings) as rig:
        rig.world.on(fault="429", mode="auto")
        status, _, _ = await rig.post(CHAT, ask("chat", model="grok-4.20-auto"))
        assert status == 429
        assert [entry.mode for entry in rig.world.journal.chats] == ["auto"]
