"""The adapter with fake transports: what it sends, what it yields, and what it closes."""

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import pytest
from telling import summary, text_of

from fake_http import FakeAnswer, FakeHttp, FakeSocket, FakeSockets
from grok2api.canonical.events import Ended, Fact, Failed
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Message, Request, Role, Text
from grok2api.catalog import BY_NAME
from grok2api.upstreams.base import Credential, HandshakeRefused, Task, TransportError
from grok2api.upstreams.grok_web.adapter import GrokWeb
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.users import Users

MARS = (Path(__file__).parents[2] / "transcripts" / "grok_web" / "moons_of_mars.ndjson").read_bytes()
CUT = TransportError(Problem(kind=Kind.CUT, message="the connection broke"))
UNREACHABLE = TransportError(Problem(kind=Kind.UNREACHABLE, message="no way"))
SOFT = b'{"result":{"response":{"token":"Hi","isSoftStop":true}}}\n'
SESSION = b'{"status":"authenticated","session":{"userId":"u-123"},"user":{"id":"u-123"}}'


def grok(http: FakeHttp | None = None, sockets: FakeSockets | None = None, **options: object) -> GrokWeb:
    chosen = WebOptions(**options)  # type: ignore[arg-type]
    http = http or FakeHttp()
    return GrokWeb(http, sockets or FakeSockets(), lambda: chosen, Users(http), lambda: 1_767_225_600.0, lambda: "id-1")


def task(text: str = "Name a moon.", mode: str = "grok43", user_id: str | None = None) -> Task:
    request = Request(model="grok-4.3-beta", messages=(Message(Role.USER, (Text(text),), "messages.0"),))
    credential = Credential("a-1", "tok.en", user_id)
    return Task(request=request, model=BY_NAME["grok-4.3-beta"], mode=mode, credential=credential, request_id="r-1")


async def facts_of(upstream: GrokWeb, work: Task | None = None) -> list[Fact]:
    batches = [batch async for batch in upstream.converse(work or task())]
    assert all(batches), "an empty batch tells nothing"
    facts = [fact for batch in batches for fact in batch]
    assert sum(isinstance(fact, Ended | Failed) for fact in facts) == 1
    assert isinstance(facts[-1], Ended | Failed)
    return facts


def problem_of(facts: list[Fact]) -> Problem:
    assert isinstance(facts[-1], Failed)
    return facts[-1].problem


async def test_an_answer_is_told_as_it_is_read() -> None:
    answer = FakeAnswer(pieces=[MARS[:700], MARS[700:2500], MARS[2500:]])
    http = FakeHttp(answer)
    facts = await facts_of(grok(http))
    assert text_of(facts) == "Phobos is one. [[1]](https://example.org/phobos)"
    assert json.loads(http.calls[0].body)["modeId"] == "grok-420-computer-use-sa"
    assert json.loads(http.calls[0].body)["message"] == "[user]: Name a moon."
    assert http.calls[0].account == "a-1"
    assert answer.closed


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b'{"code":16,"message":"[WKE=unauthenticated:bad-credentials]"}', Kind.CREDENTIAL),
        (429, b'{"error":{"code":8,"message":"Too many requests"}}', Kind.RATE_LIMITED),
        (403, b"<html>Just a moment</html>", Kind.CHALLENGE),
        (503, b"", Kind.UPSTREAM_DOWN),
    ],
)
async def test_S2_a_refusal_is_the_first_and_only_fact(status: int, body: bytes, kind: Kind) -> None:
    facts = await facts_of(grok(FakeHttp(FakeAnswer(status, [body], {"retry-after": "9"}))))
    assert len(facts) == 1
    assert problem_of(facts).kind is kind
    assert problem_of(facts).upstream_status == status


async def test_a_refusal_whose_body_breaks_is_judged_by_its_status() -> None:
    assert problem_of(await facts_of(grok(FakeHttp(FakeAnswer(429, error=CUT))))).kind is Kind.RATE_LIMITED


async def test_a_way_that_fails_is_a_failure_of_the_way() -> None:
    assert problem_of(await facts_of(grok(FakeHttp(UNREACHABLE)))).kind is Kind.UNREACHABLE


async def test_S4_a_body_that_breaks_is_cut_after_its_words() -> None:
    facts = await facts_of(grok(FakeHttp(FakeAnswer(pieces=[MARS[: MARS.index(b'isSoftStop":true')]], error=CUT))))
    assert problem_of(facts).kind is Kind.CUT


async def test_S3_a_clean_end_without_content_is_empty() -> None:
    problem = problem_of(await facts_of(grok(FakeHttp(FakeAnswer(pieces=[b'{"result":{"conversation":{}}}\n'])))))
    assert (problem.kind, problem.code) == (Kind.EMPTY, "empty_response")


async def test_a_soft_stop_is_not_waited_upon_longer_than_the_grace() -> None:
    answer = FakeAnswer(pieces=[SOFT], hangs=True)
    async with asyncio.timeout(2):
        facts = await facts_of(grok(FakeHttp(answer), soft_stop_grace_sec=0.01))
    assert text_of(facts) == "Hi"
    assert isinstance(facts[-1], Ended)
    assert answer.closed


async def test_a_body_that_breaks_after_a_soft_stop_is_whole() -> None:
    for pieces in ([SOFT], [SOFT, b'{"result":{"response":{"llmInfo":{}}}}\n']):
        assert isinstance((await facts_of(grok(FakeHttp(FakeAnswer(pieces=pieces, error=CUT)))))[-1], Ended)


async def test_what_follows_a_soft_stop_in_time_is_told() -> None:
    more = b'{"result":{"response":{"modelResponse":{"message":"Hi you"}}}}\n'
    assert text_of(await facts_of(grok(FakeHttp(FakeAnswer(pieces=[SOFT, more], hangs=True))))) == "Hi you"


async def test_S13_leaving_the_conversation_closes_the_connection() -> None:
    answer = FakeAnswer(pieces=[MARS[:1500]], hangs=True)
    async with aclosing(grok(FakeHttp(answer)).converse(task())) as told:
        await anext(told)
        assert not answer.closed
    assert answer.closed


async def test_S13_a_cancelled_reader_closes_the_connection() -> None:
    answer = FakeAnswer(hangs=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await facts_of(grok(FakeHttp(answer)))
    assert answer.closed


async def test_the_body_is_read_to_its_end_so_that_the_connection_can_serve_again() -> None:
    answer = FakeAnswer(pieces=[MARS, b"\n", b"\n"])
    async with aclosing(grok(FakeHttp(answer)).converse(task())) as told:
        assert isinstance((await anext(told))[-1], Ended)
        assert answer.pieces == []


async def test_an_end_that_does_not_come_after_the_last_frame_is_not_waited_for() -> None:
    async with asyncio.timeout(1):
        assert isinstance((await facts_of(grok(FakeHttp(FakeAnswer(pieces=[MARS], hangs=True)))))[-1], Ended)


async def test_messages_without_words_never_reach_the_upstream() -> None:
    http = FakeHttp()
    assert problem_of(await facts_of(grok(http), task(" "))).kind is Kind.INVALID
    assert http.calls == []


def event(**members: object) -> str:
    return json.dumps({"event": members})


def chunk(text: str, channel: str = "CHANNEL_ASSISTANT_RESPONSE") -> str:
    return event(type="response.chunk", chunk={"text": {"text": text, "channel": channel}})


OPENING = (
    event(type="session.created", client_event_id="evt_init_0001", session={}),
    event(type="conversation.attached", conversation={"id": "conv-1"}),
)
DONE = event(type="response.done", response={"id": "r", "status": "completed"})


def conversation(*answer: str, **more: object) -> FakeSocket:
    return FakeSocket(replies={"session.create": OPENING, "response.create": answer}, hangs=True, **more)  # type: ignore[arg-type]


async def test_a_socket_conversation_opens_asks_and_tells() -> None:
    socket = conversation(chunk("hm", "CHANNEL_ANALYSIS"), chunk("Pho"), chunk("bos"), DONE)
    sockets = FakeSockets(socket)
    http = FakeHttp(FakeAnswer(pieces=[SESSION]))
    facts = await facts_of(grok(http, sockets, transport="ws", custom_instruction="Be kind"))
    assert summary(facts) == {"thinking": "hm", "text": "Phobos", "end": "stop"}
    url, headers, account = sockets.opened[0]
    assert account == http.calls[0].account == "a-1"
    assert url == "wss://grok.com/ws/mgw/?uid=u-123"
    assert headers["Cookie"].endswith("; x-userid=u-123")
    opened, put, ask = (json.loads(text) for text in socket.sent)
    assert opened["event"]["session"]["model"] == "grok-420-computer-use-sa"
    assert put["session_id"] == ask["session_id"] == "conv-1"
    assert put["event"]["item"]["x_grok"]["input_chunks"] == [
        {"text": {"text": "[system]: Be kind\n\n[user]: Name a moon."}}
    ]
    assert ask["event"] == {"type": "response.create", "event_id": "evt_resp_1767225600001"}
    assert socket.closed


async def test_the_user_is_asked_for_once_for_each_account() -> None:
    http = FakeHttp(FakeAnswer(pieces=[SESSION]))
    upstream = grok(http, FakeSockets(*(conversation(chunk("Hi"), DONE) for _ in range(3))), transport="ws")
    for _ in range(2):
        await facts_of(upstream)
    await facts_of(upstream, task(user_id="u-9"))
    assert [call.url for call in http.calls] == ["https://grok.com/api/auth/session"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"status":"unauthenticated"}', Kind.UNAUTHORIZED),
        (200, b'{"status":"blocked","session":{"userId":"u"}}', Kind.BLOCKED),
        (200, b'{"status":"authenticated"}', Kind.UPSTREAM),
        (200, b"[]", Kind.UPSTREAM),
        (200, b"<html>Just a moment</html>", Kind.CHALLENGE),
        (401, b"", Kind.UNAUTHORIZED),
    ],
)
async def test_an_account_without_a_user_is_judged(status: int, body: bytes, kind: Kind) -> None:
    http = FakeHttp(FakeAnswer(status, [body]))
    assert problem_of(await facts_of(grok(http, transport="ws"))).kind is kind


@pytest.mark.parametrize(
    ("status", "kind"), [(429, Kind.RATE_LIMITED), (401, Kind.UNAUTHORIZED), (502, Kind.UPSTREAM_DOWN)]
)
async def test_a_refused_upgrade_is_judged_like_any_answer(status: int, kind: Kind) -> None:
    sockets = FakeSockets(HandshakeRefused(status, {}, b""))
    assert problem_of(await facts_of(grok(sockets=sockets, transport="ws"), task(user_id="u"))).kind is kind


@pytest.mark.parametrize(
    "socket",
    [
        FakeSocket(),
        FakeSocket(OPENING),
        FakeSocket([*OPENING, chunk("Half")]),
        FakeSocket([*OPENING, chunk("Half")], error=CUT),
    ],
)
async def test_S4_a_socket_that_closes_before_the_end_has_cut_the_answer(socket: FakeSocket) -> None:
    facts = await facts_of(grok(sockets=FakeSockets(socket), transport="ws"), task(user_id="u"))
    assert problem_of(facts).kind is Kind.CUT


async def test_the_heart_beats_while_the_socket_is_open_and_stops_with_it() -> None:
    socket = conversation()
    told = grok(sockets=FakeSockets(socket), transport="ws", ping_sec=0.001).converse(task(user_id="u"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(told)
    beats = [json.loads(text)["event"] for text in socket.sent if '"ping"' in text]
    assert beats[0] == {"type": "ping", "event_id": "evt_hb_1767225600000"}
    assert socket.closed
    await asyncio.sleep(0)
    assert not [running for running in asyncio.all_tasks() if running.get_name() == "grok_web heartbeat"]
