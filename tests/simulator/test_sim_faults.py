"""Every fault of the table is exercised over HTTP and does what its row says."""

import json
import re
import zlib

import aiohttp
import brotli
import pytest
import zstandard

from grok2api.simulator.faults import FAULTS, Fault, in_order, magic_words, read_fault
from grok2api.simulator.rejections import REJECTIONS
from grok2api.simulator.script import Say, Script, Search, WebResult
from grok2api.simulator.world import World
from settings_calls import GRPC
from simulated import Clock, Got, ask, chat, console_headers, cookie, post, respond, said, simulating, spoken

TEXT = "One two three four five."


def frames(got: Got):
    return [line["result"].get("response", line["result"]) for line in got.lines if "result" in line]


def has(member):
    return lambda got: any(member in frame for frame in frames(got))


def lacks(member):
    return lambda got: not has(member)(got)


def count(member, wanted):
    return lambda got: sum(member in frame for frame in frames(got)) == wanted


def thinks(wanted):
    return lambda got: sum(f.get("isThinking", False) and "messageStepId" in f for f in frames(got)) == wanted


def picture(moderated):
    def check(got):
        cards = [json.loads(f["cardAttachment"]["jsonData"]) for f in frames(got) if "cardAttachment" in f]
        last = cards[-1]["image_chunk"]
        return (last["progress"], last["moderated"]) == (100, moderated)

    return check


def unpacked(coding, opener):
    return lambda got: got.headers["Content-Encoding"] == coding and b'"two"' in opener(got.body).replace(b" ", b"")


#: On grok.com: what the answer to TEXT is with each word.
WEB = {
    "empty": ("empty", lambda got: said(got) == "" and has("finalMetadata")(got)),
    "only-thinking": ("only-thinking", lambda got: said(got) == "" and thinks(2)(got)),
    "decline": ("decline", lambda got: "can't help" in said(got)),
    "think": ("think@5", thinks(6)),
    "agents": ("agents@2", lambda got: {"Agent 1", "Agent 2"} <= {f.get("rolloutId") for f in frames(got)}),
    "search": ("search", has("webSearchResults")),
    "x-search": ("x-search", has("xSearchResults")),
    "image": ("image", picture(False)),
    "moderated": ("moderated", picture(True)),
    "late-thinking": ("late-thinking", lambda got: said(got).endswith("one more sentence.") and thinks(1)(got)),
    "long": ("long@50", lambda got: len(said(got).split()) == 55),
    "glued": ("glued", lambda got: b"}{" in got.body),
    "prefixed": ("prefixed", lambda got: all(line.startswith(b"data: {") for line in got.body.splitlines())),
    "flat": ("flat", lambda got: '"response"' not in json.dumps([list(line["result"]) for line in got.lines])),
    "card-xml": ("card-xml", lacks("toolUsageCard")),
    "double": ("double", count("modelResponse", 2)),
    "no-soft-stop": ("no-soft-stop", lambda got: not any(f.get("isSoftStop") for f in frames(got))),
    "no-final": ("no-final", lacks("finalMetadata")),
    "no-end": ("no-end", lambda got: said(got) == TEXT and lacks("modelResponse")(got) and lacks("newTitle")(got)),
    "unknown": ("unknown", has("uiLayout")),
    "error": ("error@2=16", lambda got: (len(said(got).split()), got.lines[-1]["error"]["code"]) == (2, 16)),
    "error-nested": ("error-nested", lambda got: got.lines[0]["result"]["response"]["error"]["code"] == 8),
    "error-late": ("error-late@0=7", lambda got: frames(got)[-1]["modelResponse"]["streamErrors"][0]["code"] == 7),
    "html": ("html", lambda got: got.status == 200 and got.body.startswith(b"<!DOCTYPE html>")),
    "garbage": ("garbage", lambda got: b"not json" in got.body and not got.broke),
    "huge": ("huge@100000", lambda got: max(map(len, got.body.splitlines(keepends=True))) == 100_000),
    "not-utf8": ("not-utf8@1", lambda got: b"\xff\xfe" in got.body),
    "pause": ("pause@2=0", lambda got: said(got) == TEXT),
    "slow": ("slow=0", lambda got: said(got) == TEXT),
    "silent": ("silent=0", lambda got: said(got) == TEXT),
    "silent-head": ("silent-head=0", lambda got: said(got) == TEXT),
    "gzip": ("gzip", unpacked("gzip", lambda body: zlib.decompress(body, 31))),
    "br": ("br", unpacked("br", brotli.decompress)),
    "zstd": ("zstd", unpacked("zstd", lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body))),
    "cut": ("cut@321", lambda got: len(got.body) == 321 and got.broke is not None),
    "reset": ("reset@321", lambda got: len(got.body) <= 321 and got.broke is not None),
    "drop": ("drop@2", lambda got: said(got).split() == ["One", "two"] and got.broke is not None),
    "eof": ("eof@321", lambda got: len(got.body) == 321 and got.broke is None),
    "split": ("split@3", lambda got: said(got) == TEXT),
}

#: On the console.
CONSOLE = {
    "hidden": ("hidden think", lambda got: reasoning(got)["encrypted_content"] and not reasoning(got)["summary"]),
    "encrypted": ("encrypted think", lambda got: reasoning(got)["encrypted_content"] and reasoning(got)["summary"]),
    "interleaved": ("interleaved", lambda got: order(got, "web_search_call") == ["added", "added", "done", "done"]),
    "bare-calls": ("bare-calls", lambda got: not any("arguments.d" in event["type"] for event in got.events)),
    "done": ("done", lambda got: got.text.endswith("data: [DONE]\n\n")),
    "annotations": ("annotations@3 search", lambda got: set(note(got)) == {"type", "url"}),
    "length": ("length", lambda got: ended(got) == ("response.incomplete", "max_output_tokens")),
    "filtered": ("filtered", lambda got: ended(got) == ("response.incomplete", "content_filter")),
    "decline": ("decline", lambda got: any(event["type"] == "response.refusal.delta" for event in got.events)),
    "unknown": ("unknown", lambda got: any(event["type"] == "response.something_new" for event in got.events)),
    "no-end": ("no-end", lambda got: got.events[-1]["type"] == "response.output_item.done"),
    "error": ("error=8", lambda got: (got.events[0]["type"], got.events[0]["code"]) == ("error", "resource-exhausted")),
    "error-nested": ("error-nested@1", lambda got: got.events[-1]["type"] == "response.failed"),
    "cut": ("cut@99", lambda got: len(got.body) == 99 and got.broke is not None),
    "html": ("html", lambda got: got.body.startswith(b"<!DOCTYPE html>")),
    "huge": ("huge@5000", lambda got: spoken(got) == TEXT and max(map(len, got.body.split(b"\n\n"))) == 4998),
}


def reasoning(got):
    return next(i for i in got.events[-1]["response"]["output"] if i["type"] == "reasoning")


def note(got):
    return got.events[-1]["response"]["output"][-1]["content"][0]["annotations"][0]


def ended(got):
    last = got.events[-1]
    return last["type"], last["response"]["incomplete_details"]["reason"]


def order(got, kind):
    names = [e["type"].rpartition(".")[2] for e in got.events if e.get("item", {}).get("type") == kind]
    indices = [e["output_index"] for e in got.events if e.get("item", {}).get("type") == kind]
    assert indices[:2] == list(reversed(indices[2:]))
    return names


def words(written):
    return written.split(" ")


async def read_raw(running, written):
    """The body as it was sent, not decompressed."""
    running.world.on(script=TEXT, fault=words(written))
    body = json.dumps({"modeId": "fast", "message": "[user]: hi"}).encode()
    return await raw_post(running, body, cookie())


async def raw_post(running, body, headers):
    got = bytearray()
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.post(f"{running.url}/rest/app-chat/conversations/new", data=body, headers=headers) as answer,
    ):
        try:
            async for piece in answer.content.iter_any():
                got += piece
        except aiohttp.ClientError as error:
            return Got(answer.status, answer.headers, bytes(got), error)
        return Got(answer.status, answer.headers, bytes(got), None)


@pytest.mark.parametrize("name", WEB)
async def test_a_word_does_on_grok_com_what_its_row_says(simulator, name):
    written, holds = WEB[name]
    got = await read_raw(simulator, written)
    assert got.status == 200
    assert holds(got), got.body


@pytest.mark.parametrize("name", CONSOLE)
async def test_a_word_does_on_the_console_what_its_row_says(simulator, name):
    written, holds = CONSOLE[name]
    twice = tuple(Search(one, web=(WebResult(f"https://{one}.example/"),)) for one in "ab")
    simulator.world.on(
        script=Script(steps=(*(twice if name == "interleaved" else ()), Say(TEXT))), fault=words(written)
    )
    got = await respond(simulator, "hi")
    assert got.status == 200
    assert holds(got), got.text


@pytest.mark.parametrize("name", REJECTIONS)
async def test_an_http_error_comes_with_the_status_and_body_of_its_row(simulator, name):
    rejection, _ = REJECTIONS[name]
    web, console = await chat(simulator, f"[user]: sim:{name}"), await respond(simulator, f"sim:{name}")
    assert (web.status, console.status) == (rejection.status, rejection.status)
    assert web.body == rejection.body
    assert console.body == (rejection.body if rejection.console is None else rejection.console)
    assert "Retry-After" not in web.headers
    assert web.headers["Content-Type"].startswith(rejection.media)


#: What an answer about quota has with each word: on grok.com, or in the console's count of chats.
QUOTA = {
    "no-remaining": lambda web, chat: (
        "remainingQueries" not in web and set(chat) == {"kind", "limit", "last_consumed_at"}
    ),
    "no-total": lambda web, chat: "totalQueries" not in web and web["remainingQueries"] == 139 and "limit" not in chat,
    "no-window": lambda web, chat: "windowSizeSeconds" not in web and web["remainingQueries"] == 139,
    "token-quota": lambda web, chat: web["remainingTokens"] == 139 and web["highEffortRateLimits"]["cost"] == 4,
    "iso-time": lambda web, chat: chat["last_consumed_at"].endswith("Z") and web["remainingQueries"] == 139,
}


@pytest.mark.parametrize("name", QUOTA)
async def test_a_word_does_to_an_answer_about_quota_what_its_row_says(simulator, name):
    await chat(simulator, "[user]: hi", mode="fast")
    await respond(simulator, "hi")
    simulator.world.on(fault=name, endpoint="any")
    web = await post(f"{simulator.url}/rest/rate-limits", {"modelName": "fast"}, cookie())
    usage = await ask("GET", f"{simulator.url}/v1/usage", console_headers())
    assert QUOTA[name](web.json, usage.json["quotas"][0])
    assert said(await chat(simulator, "[user]: hi", mode="fast")), "other answers stay as they are"


def test_every_row_is_exercised_here_or_with_media():
    elsewhere = {name for name, row in FAULTS.items() if row.group == "media"} | {"bye", "oversized"}
    assert set(FAULTS) - elsewhere == set(WEB) | set(CONSOLE) | set(REJECTIONS) | set(QUOTA) | set(GRPC)


async def test_a_value_of_a_429_is_its_retry_after(simulator):
    assert (await chat(simulator, "[user]: sim:429=30")).headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    ("fault", "slept"),
    [("silent=7", [7]), ("silent-head=8", [8]), ("pause@2=9", [9]), ("pause", [5]), ("slow=0.5", [0.5] * 17)],
)
async def test_a_wait_lasts_as_long_as_it_says(fault, slept):
    clock = Clock()
    async with simulating(World(sleep=clock.sleep)) as running:
        running.world.on(script=TEXT, fault=fault)
        assert said(await chat(running, "[user]: hi", mode="fast")) == TEXT
    written = len([s for s in clock.slept if s])
    assert clock.slept[:1] == slept[:1]
    assert written == len(slept) if not fault.startswith("slow") else written > 5


@pytest.mark.parametrize("size", [0, 1, 57, 400])
async def test_a_cut_keeps_exactly_the_bytes_before_it(simulator, size):
    simulator.world.on(script=TEXT, fault=f"cut@{size}")
    got = await chat(simulator, "[user]: hi")
    assert (got.status, len(got.body), got.broke is not None) == (200, size, True)
    assert simulator.world.journal.chats[-1].ended == "broken"


async def test_words_combine_and_http_errors_come_first(simulator):
    got = await chat(simulator, "[user]: sim:long@5 sim:double hello")
    assert count("modelResponse", 2)(got)
    assert (await chat(simulator, "[user]: sim:long@5 sim:503")).status == 503


async def test_an_unknown_word_is_answered_by_a_sentence(simulator):
    assert "sim:nonsense" in said(await chat(simulator, "[user]: sim:nonsense please"))


async def test_only_the_last_message_of_the_user_counts(simulator):
    message = "[user]: sim:503\n\n[assistant]: Sorry, sim:502.\n\n[user]: and now?"
    assert (await chat(simulator, message)).status == 200


async def test_other_endpoints_fail_when_a_scenario_names_them(simulator):
    world = simulator.world
    world.on(endpoint="rate_limits", fault="429=9", times=1)
    url = f"{simulator.url}/rest/rate-limits"
    assert (await post(url, {"modelName": "fast"}, cookie())).status == 429
    assert (await post(url, {"modelName": "fast"}, cookie())).status == 200
    world.on(endpoint="session", fault="cut@3")
    assert (await ask("GET", f"{simulator.url}/api/auth/session", cookie())).broke is not None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("cut@200", Fault("cut", at=200)),
        ("slow=0.2", Fault("slow", value=0.2)),
        ("pause@3=5", Fault("pause", at=3, value=5)),
        ("sim:429", Fault("429")),
        ("403-anti-bot", Fault("403-anti-bot")),
    ],
)
def test_a_fault_is_read_from_its_written_form_and_back(text, fault):
    assert read_fault(text) == fault
    assert read_fault(str(fault)) == fault


@pytest.mark.parametrize("text", ["", "nothing", "cut@", "cut@x", "cut@-1", "CUT", "cut 5"])
def test_what_is_no_fault_is_refused(text):
    with pytest.raises(ValueError, match="unknown fault"):
        read_fault(text)


def test_magic_words_are_found_in_prose_only_where_they_stand_alone():
    faults, unknown = magic_words("please sim:cut@5, (sim:slow=0.1) nosim:429 a:sim:500 sim:wat")
    assert faults == (Fault("cut", at=5), Fault("slow", value=0.1))
    assert unknown == ("wat",)


def test_of_one_name_the_last_wins_and_the_table_gives_the_order():
    given = (Fault("cut", at=1), Fault("gzip"), Fault("cut", at=2))
    assert in_order(given) == (Fault("gzip"), Fault("cut", at=2))


def test_no_rejection_but_the_named_ones_carries_a_credential_marker():
    markers = re.compile(
        rb"(?i)invalid-credentials|bad-credentials|failed to look up session id|blocked-user|email-domain-rejected"
        rb"|session not found|account suspended|token revoked|token expired"
    )
    marked = {name for name, (rejection, _) in REJECTIONS.items() if markers.search(rejection.body)}
    assert marked == {"401", "401-session", "403-blocked", "403-domain"}
