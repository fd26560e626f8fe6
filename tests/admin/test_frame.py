"""What holds for every endpoint: the key, the envelope, the bounds, the headers, the log."""

import asyncio
import gzip
import io
import json
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from admin_calls import KEY, administration
from grok2api.admin.codes import CODES, refuse
from grok2api.admin.parts import Parts
from grok2api.admin.route import BASE, Call, Events, Page, Pieces, Route
from grok2api.admin.table import ROUTES
from grok2api.observe.logging import set_up
from grok2api.storage.errors import StoreError
from grok2api.web.options import Timing, WebOptions

CLIENT_KEY = "a-client-key-of-tests"
WRONG = "wrong-key-of-tests"


class Echo(msgspec.Struct):
    """What was understood."""

    tokens: list[str]
    pool: str = "basic"
    count: int = 0


class EchoQuery(msgspec.Struct):
    """Parameters."""

    page: int = 1
    enabled: bool = False
    q: str = ""


async def echo(parts: Parts, call: Call[EchoQuery, Echo]) -> dict[str, Any]:
    return {"query": msgspec.to_builtins(call.query), "body": msgspec.to_builtins(call.body)}


async def listing(parts: Parts, call: Call[None, list[str]]) -> dict[str, int]:
    return {"count": len(call.body)}


async def raw(parts: Parts, call: Call[None, bytes]) -> dict[str, int]:
    return {"length": len(call.body)}


async def named(parts: Parts, call: Call[None, None]) -> dict[str, str]:
    return dict(call.path)


async def broken(parts: Parts, call: Call[None, None]) -> dict[str, str]:
    raise ValueError("the secret of a bug")


async def away(parts: Parts, call: Call[None, None]) -> dict[str, str]:
    raise StoreError("The store is away.")


async def refusing(parts: Parts, call: Call[None, None]) -> dict[str, str]:
    raise refuse("token_conflict", "No", "token")


async def page(parts: Parts, call: Call[None, None]) -> Page:
    return Page(b"<p>", "text/html", {"x-one": "1"})


async def pieces(parts: Parts, call: Call[None, None]) -> Pieces:
    async def some() -> AsyncGenerator[bytes, None]:
        yield b"a"
        yield b"b"

    return Pieces(some(), "text/plain", {"content-disposition": "attachment"})


async def failing(parts: Parts, call: Call[None, None]) -> Pieces:
    async def none() -> AsyncGenerator[bytes, None]:
        raise StoreError("The store is away.")
        yield b""

    return Pieces(none(), "text/plain")


async def cut(parts: Parts, call: Call[None, None]) -> Pieces:
    async def some() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise StoreError("The store is away.")

    return Pieces(some(), "text/plain")


async def silence(parts: Parts, call: Call[None, None]) -> Events:
    async def frames() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        await asyncio.sleep(0.05)
        yield b"data: 2\n\n"

    return Events(frames())


WAITING: list[str] = []


async def patient(parts: Parts, call: Call[None, None]) -> dict[str, str]:
    WAITING.append("begun")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        WAITING.append("cancelled")
        raise
    return {}


def row(method: Any, path: str, handler: Any, **more: Any) -> Route:
    return Route(method=method, path=path, handler=handler, group="test", says="", **more)


TABLE = (
    row("POST", "/echo", echo),
    row("GET", "/echo", named),
    row("POST", "/list", listing),
    row("POST", "/raw", raw),
    row("GET", "/named/{id}", named),
    row("GET", "/named/fixed", broken),
    row("GET", "/away", away),
    row("GET", "/refusing", refusing),
    row("GET", "/page", page),
    row("GET", "/pieces", pieces, media=("text/plain",)),
    row("GET", "/failing", failing, media=("text/plain",)),
    row("GET", "/cut", cut, media=("text/plain",)),
    row("GET", "/silence", silence, media=("text/event-stream",), abandons=True),
    row("GET", "/patient", patient, abandons=True),
)

WAYS: dict[str, dict[str, Any]] = {
    "no key": {"key": None},
    "a client key": {"key": CLIENT_KEY},
    "a client key as clients send it": {"key": None, "headers": {"x-api-key": CLIENT_KEY}},
    "a wrong key": {"key": WRONG},
    "a wrong key in the query": {"key": None, "app_key": WRONG},
    "a client key in the query": {"key": None, "app_key": CLIENT_KEY},
    "an empty key": {"key": ""},
    "an empty key in the query": {"key": None, "app_key": ""},
    "the admin key as clients send theirs": {"key": None, "headers": {"x-api-key": KEY}},
    "the admin key with another scheme": {"key": None, "headers": {"authorization": f"Basic {KEY}"}},
    "a wrong key before the right one": {"key": WRONG, "app_key": KEY},
    "a key that is no text": {"key": None, "headers": {"authorization": "Bearer \xff\xfe"}},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_Z3_nobody_without_the_admin_key_gets_through(tmp_path: Path, route: Route, way: str) -> None:
    async with administration(tmp_path, settings={"app.api_key": CLIENT_KEY}) as admin:
        for method in {route.method, "HEAD"} if route.method == "GET" else {route.method}:
            answer = await admin.call(method, route.path, b"{}", **WAYS[way])
            assert answer.status == 401
            error = answer.error
            assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")
            assert answer.headers["x-request-id"].startswith("req_")
            assert not any(key in str(answer.headers) + answer.body.decode() for key in (KEY, CLIENT_KEY, WRONG))


@pytest.mark.parametrize("way", WAYS)
async def test_Z3_strangers_are_not_told_what_exists(tmp_path: Path, way: str) -> None:
    async with administration(tmp_path, settings={"app.api_key": CLIENT_KEY}) as admin:
        for method, path in (("GET", "/nowhere"), ("PATCH", "/verify"), ("OPTIONS", "/tokens"), ("GET", BASE)):
            assert (await admin.call(method, path, **WAYS[way])).status == 401


async def test_the_key_is_taken_from_the_header_or_the_query(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        assert (await admin.get("/verify")).json == {"status": "success"}
        assert (await admin.get("/verify", key=None, app_key=KEY)).status == 200
        assert (await admin.get("/verify", key=None, headers={"Authorization": f"bearer {KEY}"})).status == 200


async def test_Z1_there_is_always_a_key(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    async with administration(tmp_path) as admin:
        made = (tmp_path / "admin.key").read_text().strip()
        assert (await admin.get("/verify", key="")).status == 401
        assert (await admin.get("/verify", key=made)).status == 200


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"{", "invalid_json", None),
        (b"[]", "invalid_json", None),
        (b'"x"', "invalid_json", None),
        (b'{"tokens": ["a"], "tokens": ["b"]}', "duplicate_key", "tokens"),
        (b'{"tokens": [NaN]}', "invalid_json", None),
        (b'{"tokens": ["\xff"]}', "invalid_json", None),
        (b'{"tokens": ["\\ud800"]}', "invalid_json", None),
        (b"[" * 5000, "invalid_json", None),
        (b'{"tokens": ["\\u0000"]}', "invalid_value", None),
        (b"{}", "missing_required_parameter", "tokens"),
        (b"", "missing_required_parameter", "tokens"),
        (b'{"tokens": null}', "missing_required_parameter", "tokens"),
        (b'{"tokens": "a"}', "invalid_value", "tokens"),
        (b'{"tokens": ["a", "b", 3]}', "invalid_value", "tokens.2"),
        (b'{"tokens": [], "pool": 5}', "invalid_pool", "pool"),
        (b'{"tokens": [], "count": 1.5}', "invalid_value", "count"),
    ],
)
async def test_Z6_a_bad_body_is_refused_with_the_field(tmp_path: Path, body: bytes, code: str, param: Any) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        answer = await admin.post("/echo", body)
        assert answer.status == 400
        assert (answer.error["code"], answer.error["param"]) == (code, param)
        assert answer.headers["x-should-retry"] == "false"


async def test_unknown_fields_are_ignored_and_null_is_absent(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        answer = await admin.post("/echo", {"tokens": ["a"], "pool": None, "newer": 1}, page=2, enabled="true", other=1)
        assert answer.json == {
            "query": {"page": 2, "enabled": True, "q": ""},
            "body": {"tokens": ["a"], "pool": "basic", "count": 0},
        }
        assert (await admin.post("/list", ["a", "b"])).json == {"count": 2}
        assert (await admin.post("/raw", b"\x00{")).json == {"length": 2}


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("page=x", "invalid_page", "page"),
        ("page=1.5", "invalid_page", "page"),
        ("page=%00", "invalid_page", "page"),
        ("q=%00", "invalid_value", "q"),
        ("enabled=maybe", "invalid_enabled", "enabled"),
        ("q=%ff", "invalid_value", None),
        ("&".join(f"a{n}=1" for n in range(200)), "invalid_value", None),
    ],
)
async def test_a_bad_parameter_is_named(tmp_path: Path, query: str, code: str, param: Any) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        answer = await admin.post(f"/echo?{query}", {"tokens": []})
        assert answer.status == 400
        assert (answer.error["code"], answer.error["param"]) == (code, param)


async def test_an_empty_parameter_is_absent_and_the_first_of_two_counts(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        answer = await admin.post("/echo?page=&q=a&q=b", {"tokens": []})
        assert answer.json["query"] == {"page": 1, "enabled": False, "q": "a"}


async def test_C10_Z6_bodies_are_unpacked_and_bounded(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps({"tokens": ["a"] * 1000}).encode())
    async with administration(tmp_path, table=TABLE, options=WebOptions(max_body=10_000)) as admin:
        answer = await admin.post("/echo", packed, headers={"content-encoding": "gzip"})
        assert len(answer.json["body"]["tokens"]) == 1000
        bomb = gzip.compress(b" " * 1_000_000)
        assert (await admin.post("/echo", bomb, headers={"content-encoding": "gzip"})).status == 413
        assert (await admin.post("/echo", b" " * 20_000)).error["code"] == "request_body_too_large"
        assert (await admin.post("/echo", b"x", headers={"content-encoding": "rot13"})).status == 415


async def test_a_large_body_is_read_all_the_same(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        assert (await admin.post("/list", ["x" * 100] * 5000)).json == {"count": 5000}


async def test_what_is_nowhere_is_404_and_another_method_405(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        for path in ("/nowhere", "/echo/more", "/named", "/echo/", BASE, f"{BASE}/"):
            assert (await admin.get(path)).error["code"] == "not_found", path
        answer = await admin.call("PATCH", "/echo")
        assert (answer.error["code"], answer.status) == ("method_not_allowed", 405)
        assert answer.headers["allow"] == "POST, GET"


async def test_HEAD_is_GET_without_a_body(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        for path in ("/echo", "/page", "/pieces", "/silence"):
            whole, head = await admin.get(path), await admin.call("HEAD", path)
            assert (head.status, head.body) == (200, b"")
            assert head.headers["content-type"] == whole.headers["content-type"]


async def test_names_in_paths_are_handed_over_and_fixed_paths_win(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        assert (await admin.get("/named/acc_1")).json == {"id": "acc_1"}
        assert (await admin.get("/named/fixed")).status == 500


async def test_a_bug_is_a_500_without_its_words(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        answer = await admin.get("/named/fixed")
        assert answer.error["code"] == "internal_error"
        assert b"secret" not in answer.body
        assert b"Traceback" not in answer.body


async def test_D4_a_store_that_is_away_is_a_503_that_says_when(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        for path in ("/away", "/failing"):
            answer = await admin.get(path)
            assert (answer.status, answer.error["code"]) == (503, "storage_unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert "The store is away." in answer.error["message"]


async def test_a_download_that_breaks_off_has_no_end(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        answer = await admin.get("/cut")
        assert (answer.status, answer.body) == (200, b"a")


async def test_answers_are_for_the_admin_only(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        for path in ("/echo", "/page", "/pieces", "/refusing", "/nowhere"):
            headers = (await admin.get(path)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-request-id"].startswith("req_")
        answer = await admin.get("/pieces")
        assert (answer.body, answer.headers["content-disposition"]) == (b"ab", "attachment")


async def test_S5_silence_in_a_stream_of_events_is_filled(tmp_path: Path) -> None:
    options = WebOptions(timing=Timing(keepalive=0.01))
    async with administration(tmp_path, table=TABLE, options=options) as admin:
        answer = await admin.get("/silence")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.body.startswith(b"data: 1\n\n: ping\n\n")
        assert answer.body.endswith(b"data: 2\n\n")


async def test_a_client_that_leaves_ends_what_may_be_abandoned(tmp_path: Path) -> None:
    WAITING.clear()
    leave = asyncio.Event()
    async with administration(tmp_path, table=TABLE) as admin:
        call = asyncio.ensure_future(admin.get("/patient", leave=leave))
        while not WAITING:
            await asyncio.sleep(0)
        assert admin.state.active == 0
        leave.set()
        assert (await call).status == 0
        assert WAITING == ["begun", "cancelled"]


async def test_O1_a_gateway_that_drains_refuses(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        admin.state.draining = True
        answer = await admin.get("/verify")
        assert (answer.status, answer.error["code"]) == (503, "draining")
        assert "retry-after" in answer.headers
        assert (await admin.get("/verify", key=WRONG)).status == 401


async def test_Z2_neither_key_nor_query_is_logged(tmp_path: Path) -> None:
    async with administration(tmp_path, table=TABLE) as admin:
        with logged() as out:
            for path in ("/echo", "/nowhere", "/named/fixed"):
                await admin.get(f"{path}?app_key={KEY}&q=private", key=None)
                await admin.get(f"{path}?app_key={WRONG}", key=None)
    text = out.getvalue()
    assert "administered" in text
    assert "Traceback" in text
    assert not any(secret in text for secret in (KEY, WRONG, "private"))


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What is written to the log meanwhile; afterwards the process logs as before."""
    root, out = logging.getLogger(), io.StringIO()
    before = root.level, list(root.handlers)
    set_up("DEBUG", "json", out)
    try:
        yield out
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()


async def test_every_code_of_the_table_is_one_that_exists() -> None:
    assert {code for route in ROUTES for code in route.codes} <= set(CODES)


def test_the_table_names_each_endpoint_once() -> None:
    names = [(route.method, route.path) for route in ROUTES]
    assert len(names) == len(set(names))
    assert len({route.handler.__name__ for route in ROUTES}) == len(ROUTES)


def test_a_call_does_not_print_itself() -> None:
    assert "secret" not in repr(Call(None, {"token": "secret"}))
