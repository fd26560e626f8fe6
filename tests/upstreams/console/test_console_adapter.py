"""The console adapter: what it plans, what it sends, and how it settles what the upstream demands."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grok2api.canonical.events import Ended, Fact, Failed, Said
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import File, HostedTool, Image, Inline, Message, Request, Role, Text, Tool, ToolChoice
from grok2api.catalog import BY_NAME
from grok2api.upstreams.base import Credential, HttpCall, Plan, Task, TransportError
from grok2api.upstreams.console import Console, ConsoleOptions

FOLDER = Path(__file__).parents[2] / "transcripts" / "console"
ANSWER = (FOLDER / "thought_and_text.sse").read_bytes()
DEMAND = (403, {}, b'{"code":"unauthorized:dpop-required","error":"DPoP proof required but was not verified."}')
GRANT = b'{"access_token":"token-%d","token_type":"DPoP","expires_in":300}'
OK = (200, {"content-type": "text/event-stream"}, ANSWER)
HELLO = Message(Role.USER, (Text("Hello"),), "messages.0")

Answer = tuple[int, Mapping[str, str], bytes]


class FakeAnswer:
    def __init__(self, http: "FakeHttp", answer: Answer) -> None:
        self.http = http
        self.status, self.headers, self.body = answer

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.body), self.http.read_size):
            await asyncio.sleep(0)
            yield self.body[start : start + self.http.read_size]
        if self.http.cut:
            raise TransportError(Problem(kind=Kind.CUT, message="broke off"))
        if self.http.stays_open:
            await asyncio.Event().wait()

    async def head(self, limit: int = 4096) -> bytes:
        return self.body[:limit]


class FakeHttp:
    """Answers calls by a function of the call; keeps every call."""

    def __init__(self, answer: Callable[[HttpCall], Answer]) -> None:
        self.answer = answer
        self.calls: list[HttpCall] = []
        self.open = 0
        self.read_size = 1 << 20
        self.cut = self.stays_open = False

    @asynccontextmanager
    async def send(self, call: HttpCall) -> AsyncIterator[FakeAnswer]:
        self.calls.append(call)
        self.open += 1
        try:
            await asyncio.sleep(0)
            yield FakeAnswer(self, self.answer(call))
        finally:
            self.open -= 1


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


def scripted(*answers: Answer) -> Callable[[HttpCall], Answer]:
    left = list(answers)
    return lambda call: left.pop(0)


def demanding(final: Answer = OK) -> Callable[[HttpCall], Answer]:
    """An upstream that demands proofs and grants numbered tokens."""
    granted = 0

    def answer(call: HttpCall) -> Answer:
        nonlocal granted
        if call.url.endswith("/v1/dpop/token"):
            granted += 1
            return 200, {}, GRANT % granted
        return final if "DPoP" in call.headers else DEMAND

    return answer


def make(answer: Callable[[HttpCall], Answer], **options: Any) -> tuple[Console, FakeHttp, Clock]:
    http, clock = FakeHttp(answer), Clock()
    ids = iter(f"id-{number}" for number in range(10_000))
    chosen = ConsoleOptions(**options)
    return Console(http, lambda: chosen, clock, lambda: next(ids)), http, clock


def task(model: str = "grok-4.3-console", account: str = "a1", **members: Any) -> Task:
    members = {"messages": (HELLO,), **members}
    return Task(
        request=Request(model=model, **members),
        model=BY_NAME[model],
        mode="console",
        credential=Credential(account, f"secret-{account}", "user-1"),
        request_id="r1",
    )


async def converse(console: Console, work: Task) -> list[Fact]:
    facts: list[Fact] = []
    async for batch in console.converse(work):
        assert batch
        facts += batch
    assert isinstance(facts[-1], Ended | Failed)
    return facts


def body(call: HttpCall) -> dict[str, Any]:
    return msgspec.json.decode(call.body)


def problem(facts: list[Fact]) -> Problem:
    assert isinstance(facts[-1], Failed)
    return facts[-1].problem


async def test_a_call_carries_the_session_the_operators_values_and_the_model() -> None:
    console, http, _ = make(
        scripted(OK),
        base_url="https://console.test/",
        cookies="cf_clearance=abc; sso=intruder; x-userid=intruder",
        user_agent="UA/1",
        headers={"x-statsig-id": "s", "Cookie": "no", "authorization": "no", "accept-language": "de"},
    )
    facts = await converse(console, task())
    assert "".join(fact.text for fact in facts if isinstance(fact, Said)) == "Héllo 漢😀."
    (call,) = http.calls
    assert (call.method, call.url, call.account) == ("POST", "https://console.test/v1/responses", "a1")
    assert call.headers == {
        "Content-Type": "application/json",
        "Origin": "https://console.test",
        "Referer": "https://console.test/",
        "User-Agent": "UA/1",
        "x-cluster": "https://us-east-1.api.x.ai",
        "Cookie": "sso=secret-a1; sso-rw=secret-a1; cf_clearance=abc; x-userid=user-1",
        "x-statsig-id": "s",
        "accept-language": "de",
        "Accept": "text/event-stream",
        "Authorization": "Bearer anonymous",
    }
    sent = body(call)
    assert (sent["model"], sent["max_output_tokens"]) == ("grok-4.3", 1_000_000)
    assert sent["reasoning"] == {"effort": "medium"}


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("grok-4.3-console", None, "medium"),
        ("grok-4.3-console", "none", "none"),
        ("grok-4.3-console", "minimal", "low"),
        ("grok-4.3-console", "high", "high"),
        ("grok-4.3-console", "max", "xhigh"),
        ("grok-4.3-console", "strange", "medium"),
        ("grok-4.3-high", "low", "high"),
        ("grok-4.20-multi-agent-console", "xhigh", "xhigh"),
        ("grok-4.20-0309-console", "high", None),
        ("grok-build-console", None, None),
    ],
)
async def test_the_effort_that_is_sent(model: str, asked: str | None, sent: str | None) -> None:
    console, http, _ = make(scripted(OK))
    await converse(console, task(model, effort=asked))
    assert body(http.calls[0]).get("reasoning") == (None if sent is None else {"effort": sent})


def plan(model: str = "grok-4.3-console", **members: Any) -> Plan:
    return make(scripted())[0].plan(task(model, **members).request, BY_NAME[model])


@pytest.mark.parametrize(
    ("model", "members", "ignored"),
    [
        ("grok-4.3-console", {"given": {"temperature": "temperature", "max_tokens": "max_completion_tokens"}}, ()),
        ("grok-4.3-console", {"given": {"seed": "seed", "top_k": "top_k", "stop": "stop"}}, ("seed", "top_k")),
        ("grok-4.3-console", {"effort": "high", "given": {"effort": "reasoning.effort"}}, ()),
        ("grok-4.3-console", {"effort": "minimal", "given": {"effort": "reasoning_effort"}}, ()),
        ("grok-4.3-low", {"effort": "low", "given": {"effort": "reasoning_effort"}}, ()),
        ("grok-4.3-low", {"effort": "high", "given": {"effort": "reasoning_effort"}}, ("reasoning_effort",)),
        ("grok-build-console", {"effort": "low", "given": {"effort": "reasoning_effort"}}, ("reasoning_effort",)),
        ("grok-4.3-console", {"hosted_tools": (HostedTool("computer"), HostedTool("x_search"))}, ("tools.computer",)),
        (
            "grok-4.3-console",
            {"tool_choice": ToolChoice("required"), "given": {"tool_choice": "tool_choice"}},
            ("tool_choice",),
        ),
    ],
)
def test_H1_what_has_no_effect_is_reported_by_the_clients_names(
    model: str, members: dict[str, Any], ignored: tuple[str, ...]
) -> None:
    assert plan(model, **members).ignored == ignored


def test_everything_but_stop_sequences_is_native() -> None:
    assert plan(stop=("x",), max_tokens=5, tools=(Tool("f"),)) == Plan(emulate_stop=True, counts=True)
    assert not plan().emulate_stop


def test_the_console_takes_128_tools() -> None:
    tools = tuple(Tool(f"f{number}") for number in range(129))
    assert plan(tools=tools[:128]) == plan()
    with pytest.raises(Refusal) as refused:
        plan(tools=tools)
    assert (refused.value.problem.code, refused.value.problem.param) == ("too_many_tools", "tools")


def test_pictures_are_native_and_sounds_are_refused_before_anything_is_sent() -> None:
    plan(messages=(Message(Role.USER, (Image("https://x.ai/a.png"),), "messages.0"),))
    sound = File(Inline("AA", "audio/wav"), kind="audio", path="messages.0.content.0.input_audio.data")
    with pytest.raises(Refusal) as caught:
        plan(messages=(Message(Role.USER, (sound,), "messages.0"),))
    assert caught.value.problem.param == "messages.0.content.0.input_audio.data"


async def test_searches_are_added_only_when_the_client_sends_no_tool_at_all() -> None:
    cases: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
        ({}, {}, ["web_search", "x_search"]),
        ({"search_tools": "off"}, {}, []),
        ({}, {"tools": (Tool("f"),)}, ["function"]),
        ({}, {"hosted_tools": (HostedTool("x_search"),)}, ["x_search"]),
        ({}, {"tool_choice": ToolChoice("none")}, []),
    ]
    for options, members, kinds in cases:
        console, http, _ = make(scripted(OK), **options)
        await converse(console, task(**members))
        assert [tool["type"] for tool in body(http.calls[0]).get("tools", ())] == kinds


_NO_SEARCH = [
    (400, {}, b'{"code":"invalid-argument","error":"Duplicate tool names: web_search"}'),
    (403, {}, b'{"code":"permission-denied","error":"web_search is not available for this account"}'),
    (200, {}, b'event: error\ndata: {"type":"error","code":"3","message":"Tool x_search is not allowed"}\n\n'),
]


@pytest.mark.parametrize("refusal", _NO_SEARCH)
async def test_searches_that_are_refused_are_left_away_once_and_then_for_an_hour(refusal: Answer) -> None:
    console, http, clock = make(scripted(refusal, OK, OK, OK))
    assert isinstance((await converse(console, task()))[-1], Ended)
    assert ["tools" in body(call) for call in http.calls] == [True, False]
    await converse(console, task())
    clock.time += 3601
    await converse(console, task())
    assert ["tools" in body(call) for call in http.calls] == [True, False, False, True]


async def test_a_refusal_of_the_clients_own_search_is_the_clients_to_know() -> None:
    console, http, _ = make(scripted(_NO_SEARCH[0]))
    facts = await converse(console, task(hosted_tools=(HostedTool("web_search"),)))
    assert (problem(facts).kind, len(http.calls)) == (Kind.UPSTREAM_INVALID, 1)


async def test_a_demand_for_proof_is_met_and_remembered_for_that_account() -> None:
    console, http, _ = make(demanding())
    for account in ("a1", "a1", "a2"):
        assert isinstance((await converse(console, task(account=account)))[-1], Ended)
    paths = [(call.account, call.url.rpartition("/v1/")[2], "DPoP" in call.headers) for call in http.calls]
    assert paths == [
        ("a1", "responses", False),
        ("a1", "dpop/token", False),
        ("a1", "responses", True),
        ("a1", "responses", True),
        ("a2", "responses", False),
        ("a2", "dpop/token", False),
        ("a2", "responses", True),
    ]
    keys = [body(call)["jwk"]["x"] for call in http.calls if "token" in call.url]
    assert len(set(keys)) == 2
    assert http.calls[3].headers["Authorization"] == "DPoP token-1"
    assert http.calls[2].headers["DPoP"] != http.calls[3].headers["DPoP"]


async def test_dpop_begins_with_a_token_and_bearer_never_asks_for_one() -> None:
    console, http, _ = make(demanding(), auth="dpop")
    await converse(console, task())
    assert [call.url.rpartition("/")[2] for call in http.calls] == ["token", "responses"]
    console, http, _ = make(demanding(), auth="bearer")
    told = problem(await converse(console, task()))
    assert (told.kind, len(http.calls)) == (Kind.UPSTREAM, 1)
    assert "upstream.console.auth" in told.message


async def test_a_token_is_renewed_twenty_seconds_before_its_end() -> None:
    console, http, clock = make(demanding(), auth="dpop")
    for later in (0, 279, 2):
        clock.time += later
        await converse(console, task())
    tokens = [call.headers["Authorization"] for call in http.calls if "DPoP" in call.headers]
    assert tokens == ["DPoP token-1", "DPoP token-1", "DPoP token-2"]


async def test_a_401_renews_the_token_once() -> None:
    granting = demanding((401, {}, b'{"code":16,"message":"token expired"}'))
    console, http, _ = make(granting, auth="dpop")
    assert problem(await converse(console, task())).kind is Kind.CREDENTIAL
    assert [call.url.rpartition("/")[2] for call in http.calls] == ["token", "responses", "token", "responses"]


async def test_a_proof_that_is_never_accepted_is_no_fault_of_the_account() -> None:
    console, http, _ = make(demanding(DEMAND))
    told = problem(await converse(console, task()))
    assert (told.kind, len(http.calls)) == (Kind.UPSTREAM, 5)
    assert "clock" in told.message


async def test_one_account_never_fetches_two_tokens_at_once() -> None:
    console, http, _ = make(demanding(), auth="dpop")
    await asyncio.gather(*(converse(console, task()) for _ in range(8)))
    assert sum("token" in call.url for call in http.calls) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((404, {}, b"no"), Kind.UPSTREAM),
        ((200, {}, b'{"access_token":""}'), Kind.UPSTREAM),
        ((200, {}, b"<html>"), Kind.UPSTREAM),
        ((401, {}, b'{"code":16,"message":"bad-credentials"}'), Kind.CREDENTIAL),
        ((403, {}, b"<html>Just a moment...</html>"), Kind.CHALLENGE),
        ((500, {}, b""), Kind.UPSTREAM_DOWN),
    ],
)
async def test_a_token_that_is_not_granted_is_a_problem_of_its_own(answer: Answer, kind: Kind) -> None:
    console, _, _ = make(scripted(answer), auth="dpop")
    assert problem(await converse(console, task())).kind is kind


_LIMIT = (
    b'{"code":"resource-exhausted","error":"Too many requests for team 1f0c and model grok-4.3. '
    b"Your team's rate limit is - Requests per %s (actual/limit): 2/2.%s\"}"
)


@pytest.mark.parametrize(
    ("headers", "text", "wait"),
    [
        ({}, _LIMIT % (b"Second", b""), 2.0),
        ({}, _LIMIT % (b"Minute", b""), 60.0),
        ({}, _LIMIT % (b"Day", b" resets in: 1h 2m"), 3720.0),
        ({"retry-after": "7"}, _LIMIT % (b"Minute", b""), 7.0),
    ],
)
async def test_P1_a_429_says_how_long_to_rest(headers: dict[str, str], text: bytes, wait: float) -> None:
    console, _, _ = make(scripted((429, headers, text)))
    told = problem(await converse(console, task()))
    assert (told.kind, told.retry_after, told.upstream_status) == (Kind.RATE_LIMITED, wait, 429)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, {}, b"{}"), Kind.UNAUTHORIZED),
        ((403, {}, b'{"code":"unauthorized:blocked-user","error":"User is blocked"}'), Kind.BLOCKED),
        ((403, {}, b"<html><title>Just a moment...</title></html>"), Kind.CHALLENGE),
        ((422, {}, b'{"code":"invalid-argument","error":"temperature is out of range"}'), Kind.UPSTREAM_INVALID),
        ((503, {}, b""), Kind.UPSTREAM_DOWN),
        ((302, {"location": "/sign-in"}, b""), Kind.UPSTREAM),
        ((200, {}, b"<html><title>Just a moment...</title></html>"), Kind.CHALLENGE),
        ((200, {}, b""), Kind.EMPTY),
        ((200, {}, ANSWER[:400]), Kind.CUT),
    ],
)
async def test_refusals_are_classified_and_the_connection_is_closed(answer: Answer, kind: Kind) -> None:
    console, http, _ = make(scripted(answer))
    assert problem(await converse(console, task())).kind is kind
    assert http.open == 0


async def test_a_broken_body_is_told_as_it_broke() -> None:
    console, http, _ = make(scripted((200, {}, ANSWER[:1500])))
    http.cut = True
    assert problem(await converse(console, task())).message == "broke off"


async def test_an_unreachable_upstream_is_a_failure() -> None:
    def nobody(call: HttpCall) -> Answer:
        raise TransportError(Problem(kind=Kind.UNREACHABLE, message="nobody there"))

    assert problem(await converse(make(nobody)[0], task())).kind is Kind.UNREACHABLE
    assert problem(await converse(make(nobody, auth="dpop")[0], task())).kind is Kind.UNREACHABLE


async def test_each_read_is_one_list() -> None:
    console, http, _ = make(scripted(OK))
    http.read_size = 64
    batches = [batch async for batch in console.converse(task())]
    assert len(batches) > 4
    assert all(batches)


async def test_an_answer_ends_soon_though_the_body_stays_open() -> None:
    console, http, _ = make(scripted(OK))
    http.stays_open = True
    async with asyncio.timeout(1):
        assert isinstance((await converse(console, task()))[-1], Ended)
    assert http.open == 0


async def test_S13_leaving_closes_the_connection() -> None:
    console, http, _ = make(scripted(OK))
    http.read_size = 900
    async with aclosing(console.converse(task())) as batches:
        await anext(batches)
        assert http.open == 1
    assert http.open == 0


async def test_Z2_a_session_that_is_no_cookie_is_refused_without_showing_it() -> None:
    console, http, _ = make(scripted())
    work = msgspec.structs.replace(task(), credential=Credential("a1", "very; secret\n"))
    told = problem(await converse(console, work))
    assert (told.kind, http.calls) == (Kind.CREDENTIAL, [])
    assert "secret" not in repr(told)
    assert "very" not in repr(ConsoleOptions(cookies="very=1", headers={"x": "very"}))


async def test_the_clock_of_the_upstream_is_learnt_from_its_answers() -> None:
    granting = demanding()

    def answer(call: HttpCall) -> Answer:
        status, headers, content = granting(call)
        return status, {"date": "Fri, 15 Jan 2027 09:00:00 GMT", **headers}, content

    console, http, _ = make(answer, auth="dpop")
    await converse(console, task())
    proof = http.calls[-1].headers["DPoP"].split(".")[1]
    claims = json.loads(urlsafe_b64decode(proof + "=="))
    assert claims["iat"] == 1_800_003_600
