"""What is refused, how, and in whose envelope: bad input, keys, wrong paths, hostile bytes."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from yarl import URL

from asking import DIALECTS, WEB, ask
from rig import BASIC, CHAT, MESSAGES, RESPONSES, rigged

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def error_in(dialect: str, body: bytes) -> dict[str, Any]:
    """The error of a body, after checking the dialect's envelope (C7)."""
    answer = json.loads(body)
    error = answer["error"]
    if dialect == "messages":
        assert answer["type"] == "error"
        assert error["type"] in {
            "invalid_request_error", "authentication_error", "not_found_error", "rate_limit_error",
            "request_too_large", "api_error", "overloaded_error", "permission_error", "timeout_error",
        }  # fmt: skip
    else:
        assert set(error) == {"message", "type", "code", "param", "status"}
    return dict(error)


NOT_JSON = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe",
    b'{"model": "\xff"}',
    b'{"model": NaN}',
    b'{"model": 1e999999}',
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"[" * 100_000,
    b'{"model": "x", "model": "y"}',
    b'{"temperature": ' + b"9" * 5000 + b"}",
    b'{"model": "\\ud800"}',
]


@every_dialect
@pytest.mark.parametrize("body", NOT_JSON, ids=lambda body: repr(body[:24]))
async def test_Z6_bytes_that_are_no_request_are_a_400(tmp_path: Path, dialect: str, body: bytes) -> None:
    async with rigged(tmp_path) as rig:
        status, headers, answer = await rig.post(DIALECTS[dialect], body)
        assert status == 400
        assert headers["x-should-retry"] == "false"
        assert error_in(dialect, answer)["message"]
        assert b"Traceback" not in answer


def tool(name: str = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}, **more}}


CHAT_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "messages.0.content.0.type"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": "x"}, 7]}, "messages.1"),
    ({"temperature": 3}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"top_p": -1}, "top_p"),
    ({"n": 0}, "n"),
    ({"stream": "yes"}, "stream"),
    ({"reasoning_effort": "gigantic"}, "reasoning_effort"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"tools": [tool() for _ in range(1025)]}, "tools"),
    ({"tools": [tool("x" * 65)]}, "tools.0.function.name"),
    ({"tools": [tool("sp ace")]}, "tools.0.function.name"),
    ({"tools": [tool(parameters=5)]}, "tools.0.function.parameters"),
    ({"response_format": {"type": "poem"}}, "response_format.type"),
    ({"model": None}, "model"),
    ({"model": 5}, "model"),
    ({"modalities": ["audio"]}, "modalities.0"),
]


@pytest.mark.parametrize(("change", "param"), CHAT_FAULTS, ids=lambda value: str(value)[:60])
async def test_a_bad_chat_field_is_named(tmp_path: Path, change: dict[str, Any], param: str) -> None:
    async with rigged(tmp_path) as rig:
        status, _, body = await rig.post(CHAT, ask("chat", **change) if "model" not in change else ask("chat") | change)
        assert status == 400
        error = error_in("chat", body)
        assert error["param"] == param
        assert error["type"] == "validation_error"
        assert error["status"] == 400


@every_dialect
async def test_C9_an_unknown_model_names_the_three_nearest(tmp_path: Path, dialect: str) -> None:
    async with rigged(tmp_path) as rig:
        status, headers, body = await rig.post(DIALECTS[dialect], ask(dialect, model="grok-4.3-fats"))
        error = error_in(dialect, body)
        assert "grok-4.3-fast" in error["message"]
        assert error["message"].count("grok-") >= 4
        assert headers["x-should-retry"] == "false"
        if dialect == "messages":
            assert (status, error["type"]) == (404, "not_found_error")
        else:
            assert (status, error["code"], error["param"]) == (400, "model_not_found", "model")


@every_dialect
async def test_a_picture_at_an_inner_name_is_refused_by_its_field(tmp_path: Path, dialect: str) -> None:
    pictures = {
        "chat": {"messages": [{"role": "user", "content": [
            {"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}]}]},
        "responses": {"input": [{"role": "user", "content": [
            {"type": "input_image", "image_url": "http://127.0.0.1/a.png"}]}]},
        "messages": {"messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/a.png"}}]}]},
    }  # fmt: skip
    async with rigged(tmp_path) as rig:
        status, _, body = await rig.post(DIALECTS[dialect], ask(dialect) | pictures[dialect])
        assert status == 400
        assert not rig.world.journal.chats
        assert "0.content" in error_in(dialect, body)["message"]


@every_dialect
async def test_keys_are_checked_in_both_headers(tmp_path: Path, dialect: str) -> None:
    async with rigged(tmp_path, settings={"app.api_key": ["key-one", "key-two"]}) as rig:
        path = DIALECTS[dialect]
        for headers in ({}, {"authorization": "Bearer wrong"}, {"x_api_key": "wrong"}, {"authorization": "key-one"}):
            status, _, body = await rig.post(path, ask(dialect), **headers)
            assert status == 401
            assert error_in(dialect, body)["type"] == "authentication_error"
        for headers in ({"authorization": "Bearer key-two"}, {"x_api_key": "key-one"}):
            status, _, _ = await rig.post(path, ask(dialect), **headers)
            assert status == 200


async def test_a_body_over_the_limit_is_413(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"server.max_body_mb": 1}) as rig:
        big = json.dumps(ask("chat", "x" * 1_100_000)).encode()
        status, _, body = await rig.post(CHAT, big)
        assert (status, error_in("chat", body)["code"]) == (413, "request_body_too_large")
        status, _, body = await rig.post(CHAT, gzip.compress(big), content_encoding="gzip")
        assert status == 413


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}
FORM = b'--x\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
TAKEN: list[tuple[str, bytes, str]] = [
    *((path, json.dumps(ask(name, stream=False)).encode(), "application/json") for name, path in DIALECTS.items()),
    ("/v1/responses/compact", json.dumps(ask("responses")).encode(), "application/json"),
    ("/v1/responses/input_tokens", json.dumps(ask("responses")).encode(), "application/json"),
    ("/v1/messages/count_tokens", json.dumps(ask("messages")).encode(), "application/json"),
    ("/v1/images/generations", b'{"model": "grok-imagine-image-lite", "prompt": "a cat"}', "application/json"),
    ("/v1/images/edits", FORM % (b"prompt", b"p") + FORM % (b"model", b"nope") + b"--x--\r\n",
     "multipart/form-data; boundary=x"),
    ("/v1/videos", FORM % (b"prompt", b"a cat") + b"--x--\r\n", "multipart/form-data; boundary=x"),
    ("/v1/videos", b'{"prompt": "a cat"}', "application/json"),
]  # fmt: skip


async def test_Z6_a_bomb_is_refused_on_every_route(tmp_path: Path) -> None:
    bomb = b" " * 3_000_000
    async with rigged(tmp_path, settings={"server.max_body_mb": 1}) as rig:
        for path, _, content_type in TAKEN:
            for encoding in PACKED.keys() - {"identity"}:
                packed = PACKED[encoding](bomb)
                assert len(packed) < 10_000
                status, _, _ = await rig.post(path, packed, content_type=content_type, content_encoding=encoding)
                assert (path, encoding, status) == (path, encoding, 413)
        assert not rig.world.journal.chats


async def test_C10_a_compressed_body_is_read_on_every_route(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        for path, body, content_type in TAKEN:
            plain, _, _ = await rig.post(path, body, content_type=content_type)
            for encoding, pack in PACKED.items():
                headers = {"content_type": content_type, "content_encoding": encoding}
                status, _, answer = await rig.post(path, pack(body), **headers)
                assert (path, encoding, status) == (path, encoding, plain)
                assert "nope" in answer.decode() or status == 200
            status, _, _ = await rig.post(path, body, content_type=content_type, content_encoding="rot13")
            assert status == 415


async def test_C11_headers_and_queries_of_clients_change_nothing(tmp_path: Path) -> None:
    headers = {
        "anthropic_beta": "claude-code-20250219,mid-conversation-system,unknown-2027-01-01",
        "anthropic_dangerous_direct_browser_access": "true",
        "openai_beta": "responses=experimental",
        "openai_organization": "org",
        "x_stainless_retry_count": "0",
        "x_app": "cli",
        "originator": "codex_cli_rs",
        "accept": "*/*",
        "user_agent": "unknown/1.0",
    }
    async with rigged(tmp_path) as rig:
        for path, body, content_type in TAKEN:
            plain, _, _ = await rig.post(path, body, content_type=content_type)
            status, _, _ = await rig.post(f"{path}?beta=true&unknown=1", body, content_type=content_type, **headers)
            assert (path, status) == (path, plain)


#: Bases that people configure by mistake, and what may stand behind the right one.
BASES = ("", "/v1/v1", "/v1/v1/v1", "/openai/v1", "/openai", "/api/v1", "/api", "/anthropic/v1", "/anthropic", "//v1")
BEHIND = (
    "/chat/completions", "/responses", "/messages", "/messages/count_tokens", "/models", "/models/grok-4.3-fast",
    "/images/generations", "/images/edits", "/videos", "/videos/video_1", "/videos/video_1/content",
)  # fmt: skip
READ = ("/models", "/videos")


async def test_C9_a_wrong_path_is_told_the_right_url_in_the_envelope_that_the_client_speaks(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        for behind in BEHIND:
            wrong = [base + behind for base in BASES] + [f"/v1{behind}/", f"/v1{behind}//", f"/v1/{behind}"]
            for path in wrong:
                for headers in ({}, {"anthropic-version": "2023-06-01"}):
                    method = "GET" if behind.startswith(READ) else "POST"
                    url = URL(rig.url + path, encoded=True)
                    async with rig.http.request(method, url, headers=headers, allow_redirects=False) as answer:
                        body = await answer.read()
                    if path.startswith("/v1/models/grok"):
                        continue  # a model's name may hold a slash
                    anthropic = bool(headers) or behind.startswith("/messages")
                    assert (path, answer.status) == (path, 404)
                    message = error_in("messages" if anthropic else "chat", body)["message"]
                    base = rig.url if anthropic else f"{rig.url}/v1"
                    assert f"the right URL is {rig.url}/v1{behind} (base URL {base})" in message
                    assert answer.headers["x-request-id"]
                    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/completions", "/nothing", "/v1/" + "a/" * 2000, "/%00", "/v1/é"])
async def test_C9_where_nothing_was_meant_the_base_urls_are_told(tmp_path: Path, path: str) -> None:
    async with rigged(tmp_path) as rig:
        status, _, body = await rig.post(path, {})
        message = error_in("chat", body)["message"]
        assert status == 404
        assert f"{rig.url}/v1 for OpenAI's SDKs" in message
        assert len(message) < 400


async def test_C9_small_routes_below_v1_are_told_their_place(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        for path, right in (("/v1/health", "/health"), ("/v1/", None), ("/health/", "/health"), ("/v1/meta", "/meta")):
            async with rig.http.get(rig.url + path) as answer:
                message = (await answer.json())["error"]["message"]
                assert right is None or f"{rig.url}{right} " in message


async def test_a_root_is_answered_at_once(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        async with rig.http.head(rig.url + "/") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        async with rig.http.get(rig.url + "/") as answer:
            assert (await answer.json())["api"] == f"{rig.url}/v1"
        async with rig.http.head(rig.url + "/v1/models") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        *(("GET", path, "POST") for path in (CHAT, RESPONSES, MESSAGES, "/v1/messages/count_tokens")),
        *(("DELETE", path, "POST") for path in ("/v1/images/generations", "/v1/images/edits")),
        ("POST", "/v1/models", "GET, HEAD"),
        ("PUT", "/v1/models/grok-4.3-fast", "GET, HEAD"),
        ("DELETE", "/v1/videos", "GET, HEAD, POST"),
        ("POST", "/v1/videos/video_1", "DELETE, GET, HEAD"),
        ("POST", "/v1/videos/video_1/content", "GET, HEAD"),
        ("POST", "/v1/files/image", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_405_and_told_the_right_ones(
    tmp_path: Path, method: str, path: str, allow: str
) -> None:
    async with rigged(tmp_path) as rig:
        for headers in ({}, {"anthropic-version": "2023-06-01"}):
            async with rig.http.request(method, rig.url + path, headers=headers) as answer:
                assert (answer.status, answer.headers["allow"]) == (405, allow)
                speaks = "messages" if headers or path.startswith("/v1/messages") else "chat"
                assert error_in(speaks, await answer.read())["message"]


async def test_upgrades_are_plain_4xx(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
                   "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
        async with rig.http.get(rig.url + RESPONSES, headers=upgrade) as answer:
            assert 400 <= answer.status < 500


async def test_Z6_hostile_bytes_get_a_4xx(tmp_path: Path) -> None:
    smuggled = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    big = b"GET /health HTTP/1.1\r\nhost: x\r\nx-big: " + b"a" * 200_000 + b"\r\n\r\n"
    many = b"GET /health HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 50_000 + b"\r\n"
    async with rigged(tmp_path) as rig:
        for request in (b"hello there\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", smuggled, big, many):
            answer = await rig.raw(request)
            assert answer.startswith(b"HTTP/1.1 4"), (request[:40], answer[:80])


async def test_a_challenge_is_502_that_tells_the_operator_and_spares_the_account(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=(("sim-basic-1", BASIC), ("sim-basic-2", BASIC))) as rig:
        rig.world.on(fault="403-challenge")
        for dialect, path in DIALECTS.items():
            status, _, body = await rig.post(path, ask(dialect))
            assert status == 502
            message = error_in(dialect, body)["message"]
            assert "browser" in message
            assert "<" not in message
        assert all(account.state == "active" for account in rig.app.pool.list())
        rig.world.scenarios.clear()
        status, _, _ = await rig.post(CHAT, ask("chat"))
        assert status == 200


async def test_models_are_those_that_the_accounts_can_serve(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=(("sim-basic-1", BASIC),)) as rig:
        async with rig.http.get(rig.url + "/v1/models") as answer:
            names = {row["id"] for row in (await answer.json())["data"]}
        assert WEB in names
        assert "grok-4.3-console" in names
        assert "grok-4.20-heavy" not in names
        assert "grok-imagine-video" not in names
        async with rig.http.get(rig.url + f"/v1/models/{WEB}") as answer:
            assert (await answer.json())["id"] == WEB
        async with rig.http.get(rig.url + "/v1/models/nope") as answer:
            assert answer.status == 404
        async with rig.http.get(rig.url + "/v1/models", headers={"anthropic-version": "2023-06-01"}) as answer:
            listed = await answer.json()
            assert set(listed) >= {"data", "has_more", "first_id", "last_id"}
            assert all({"id", "display_name", "type", "created_at"} <= set(row) for row in listed["data"])


async def test_P6_all_resting_is_429_with_the_earliest_recovery_and_no_upstream_call(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=(("sim-basic-1", BASIC),), settings={"retry.max_retries": 0}) as rig:
        rig.world.on(fault="429")
        first, headers, _ = await rig.post(CHAT, ask("chat"))
        assert first == 429
        calls = len(rig.world.journal.chats)
        status, headers, body = await rig.post(CHAT, ask("chat"))
        assert status == 429
        assert int(headers["retry-after"]) >= 1
        assert "1" in error_in("chat", body)["message"]
        assert len(rig.world.journal.chats) == calls
        other, _, _ = await rig.post(CHAT, ask("chat", model="grok-4.3-console"))
        assert other == 429 or rig.world.journal.chats[-1].endpoint == "console"


async def test_count_tokens_agrees_with_the_real_call_and_costs_nothing(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        body = ask("messages", "How many tokens is this? " * 200, stream=False)
        status, _, counted = await rig.post("/v1/messages/count_tokens", body)
        assert status == 200
        tokens = json.loads(counted)["input_tokens"]
        results = await asyncio.gather(*(rig.post("/v1/messages/count_tokens", body) for _ in range(24)))
        assert {status for status, _, _ in results} == {200}
        assert not rig.world.journal.chats
        _, _, answer = await rig.post(MESSAGES, body)
        assert json.loads(answer)["usage"]["input_tokens"] == tokens


MANY = [f"{number:064}" for number in range(1000)]


@pytest.mark.parametrize(
    ("kinds", "reported"),
    [
        (["工具"], "tools.%E5%B7%A5%E5%85%B7"),
        (["a\r\nx-evil: 1"], "tools.a%0D%0Ax-evil: 1"),
        (["a,b", "%"], "tools.a%2Cb, tools.%25"),
        (MANY, ", ".join(f"tools.{kind}" for kind in MANY[:28]) + ", and 972 more"),
    ],
    ids=["chinese", "lines", "comma", "many"],
)
async def test_H1_names_that_no_header_can_hold_are_reported_all_the_same(
    tmp_path: Path, kinds: list[str], reported: str
) -> None:
    async with rigged(tmp_path) as rig:
        body = ask("responses", stream=False) | {"tools": [{"type": kind} for kind in kinds]}
        status, headers, _ = await rig.post(RESPONSES, body)
        assert (status, headers["x-grok2api-ignored"]) == (200, reported)
        assert "x-evil" not in headers


async def test_H1_what_has_no_effect_is_reported_by_the_clients_name(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        _, headers, _ = await rig.post(CHAT, ask("chat", temperature=0, seed=7, logit_bias={"1": 2}))
        assert {"temperature", "seed", "logit_bias"} <= {n.strip() for n in headers["x-grok2api-ignored"].split(",")}
        _, headers, _ = await rig.post(CHAT, ask("chat"))
        assert "x-grok2api-ignored" not in headers
        _, headers, _ = await rig.post(CHAT, ask("chat", model="grok-4.3-console", temperature=0, top_p=0))
        assert "x-grok2api-ignored" not in headers
        sent = rig.world.journal.chats[-1].body
        assert (sent["temperature"], sent["top_p"]) == (0, 0)


@pytest.mark.parametrize("model", [WEB, "grok-4.3-console"])
async def test_H1_stop_and_limit_hold_on_both_upstreams(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="one two STOP three four five six seven eight nine ten")
        _, _, body = await rig.post(CHAT, ask("chat", model=model, stream=False, stop=["STOP"]))
        choice = json.loads(body)["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("one two ", "stop")
        _, _, body = await rig.post(MESSAGES, ask("messages", model=model, stream=False, stop_sequences=["STOP"]))
        answer = json.loads(body)
        assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", "STOP")
    async with rigged(tmp_path / "2") as rig:
        rig.world.on(script="one two three four five six seven eight nine ten")
        _, _, body = await rig.post(CHAT, ask("chat", stream=False, max_tokens=3))
        choice = json.loads(body)["choices"][0]
        assert choice["finish_reason"] == "length"
        assert len(choice["message"]["content"].split()) == 3
