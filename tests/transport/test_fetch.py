"""Fetching what a client points to (I4): nothing leads into our own network, and nothing of ours leaves with it.

A recorder on loopback stands for everything that must not be reached; it counts connections, and is asked at the end.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from fake_http import FakeAnswer, FakeHttp
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.transport.egress import TransportOptions
from grok2api.transport.fetch import Fetcher, FetchOptions, Resolve, SystemNames
from grok2api.transport.http import AioHttp
from grok2api.transport.lean import LeanHttp
from grok2api.upstreams.base import Http, TransportError

FIELD = "messages.3.content.1.image_url.url"
PUBLIC = "93.184.216.34"
UNREACHABLE = TransportError(Problem(kind=Kind.UNREACHABLE, message="no way"))


class Recorder:
    """A web server that remembers every connection and every request."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        self.hold = asyncio.Event()
        self.hold.set()
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await self.hold.wait()
            writer.write(self.answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def says(self, *headers: str, status: str = "200 OK", body: bytes = b"") -> None:
        head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
        self.answer = head.encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
    recorder.port = server.sockets[0].getsockname()[1]
    try:
        yield recorder
    finally:
        server.close()
        recorder.hold.set()
        for task in recorder.tasks:
            task.cancel()
        await asyncio.gather(*recorder.tasks, return_exceptions=True)


@pytest.fixture(params=[AioHttp, LeanHttp], ids=["aiohttp", "lean"])
async def http(request: pytest.FixtureRequest) -> AsyncIterator[Http]:
    client = request.param(lambda: TransportOptions(keepalive=0.0, connect_timeout=2.0))
    yield client
    await client.close()


def names(table: Mapping[str, Sequence[str] | Iterator[Sequence[str]]]) -> Resolve:
    """A name server: what a name means, each time or once after the other."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        known = table.get(host)
        if known is None:
            raise OSError("no such name")
        return next(known) if isinstance(known, Iterator) else known

    return resolve


def fetcher(http: Http, table: Mapping[str, Sequence[str]] | Resolve | None = None, **options: object) -> Fetcher:
    chosen = FetchOptions(**options)  # type: ignore[arg-type]
    resolve = table if callable(table) else names(table or {})
    return Fetcher(http, lambda: chosen, resolve)


async def refused(fetch: Fetcher, url: str) -> Problem:
    with pytest.raises(Refusal) as caught:
        await fetch.fetch(url, FIELD)
    problem = caught.value.problem
    assert problem.param == FIELD
    assert problem.message.startswith(FIELD)
    return problem


NAMES = {
    "inner.example": ["127.0.0.1"],
    "both.example": [PUBLIC, "127.0.0.1"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "translated.example": ["64:ff9b::7f00:1"],
    "metadata.example": ["169.254.169.254"],
    "private.example": ["10.1.2.3"],
    "any.example": ["0.0.0.0"],
    "scoped.example": ["fe80::1%lo"],
    "metadata.google.internal": ["169.254.169.254"],
    "localhost": ["127.0.0.1"],
}

#: `%d` is the recorder's port.
LEADS_INSIDE = [
    "http://127.0.0.1:%d/", "http://127.0.0.1.:%d/", "http://127.1:%d/", "http://127.0.1:%d/", "http://2130706433:%d/",
    "http://017700000001:%d/", "http://0x7f000001:%d/", "http://0x7f.0.0.1:%d/", "http://0177.0.0.1:%d/",
    "http://127.0.0.01:%d/", "http://0:%d/", "http://0.0.0.0:%d/", "http://127.127.127.127:%d/", "http://１２７.0.0.1:%d/",
    "http://①②⑦.⓪.⓪.①:%d/", "http://127。0。0。1:%d/", "http://%%31%%32%%37.0.0.1:%d/",
    "http://[::1]:%d/", "http://[::]:%d/", "http://[::ffff:127.0.0.1]:%d/", "http://[::ffff:7f00:1]:%d/",
    "http://[::127.0.0.1]:%d/", "http://[64:ff9b::127.0.0.1]:%d/", "http://[64:ff9b:1::7f00:1]:%d/",
    "http://[2002:7f00:1::]:%d/", "http://[2001:0:7f00:1::]:%d/", "http://[::1%%25lo]:%d/", "http://[fe80::1%%lo]:%d/",
    "http://localhost:%d/", "http://LOCALHOST.:%d/", "http://a.localhost:%d/", "http://inner.example:%d/",
    "http://inner.example.:%d/", "http://both.example:%d/", "http://six.example:%d/", "http://mapped.example:%d/",
    "http://translated.example:%d/", "http://metadata.example:%d/", "http://private.example:%d/",
    "http://any.example:%d/", "http://scoped.example:%d/", "http://metadata.google.internal:%d/",
    "http://user:pass@127.0.0.1:%d/", "http://example.org@127.0.0.1:%d/", "http://127.0.0.1:%d\\@example.org/",
    "http://127.0.0.1:%d#@example.org/", "http://127.0.0.1:%d?@example.org/", "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/", "http://168.63.129.16/", "http://100.100.100.200/", "http://10.0.0.1/",
    "http://192.168.0.1/", "http://172.16.0.1/", "ftp://127.0.0.1:%d/", "file:///etc/passwd", "gopher://127.0.0.1:%d/_",
]  # fmt: skip


@pytest.mark.parametrize("form", LEADS_INSIDE)
async def test_I4_no_notation_leads_inside_and_no_packet_is_sent(http: Http, form: str) -> None:
    async with recording() as recorder:
        url = form % recorder.port if "%d" in form else form
        problem = await refused(fetcher(http, NAMES), url)
        assert (problem.kind, recorder.connections) == (Kind.INVALID, 0)
        assert problem.code == "url_not_allowed"


@pytest.mark.parametrize("form", [form for form in LEADS_INSIDE if form.startswith("http")])
async def test_I4_no_redirect_leads_inside(form: str) -> None:
    async with recording() as recorder:
        location = form % recorder.port if "%d" in form else form
        http = FakeHttp(FakeAnswer(302, headers={"location": location}))
        problem = await refused(fetcher(http, NAMES | {"start.example": [PUBLIC]}), "https://start.example/")
        assert problem.kind is Kind.INVALID
        assert [call.address for call in http.calls] == [PUBLIC]
        assert recorder.connections == 0


async def test_I4_a_name_that_turns_leads_where_it_was_judged() -> None:
    """Resolved once; the address that is connected to is the one that was looked at."""
    turning = names({"turn.example": iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])})
    http = FakeHttp(FakeAnswer(pieces=[b"hello"]))
    assert await fetcher(http, turning).fetch("http://turn.example/x", FIELD) == b"hello"
    (call,) = http.calls
    assert (call.address, call.url) == (PUBLIC, "http://turn.example/x")


async def test_I4_a_name_that_turns_is_judged_again_at_each_redirect() -> None:
    turning = names({"turn.example": iter([[PUBLIC], ["127.0.0.1"]])})
    http = FakeHttp(FakeAnswer(302, headers={"location": "/again"}), FakeAnswer(pieces=[b"secret"]))
    problem = await refused(fetcher(http, turning), "http://turn.example/x")
    assert problem.code == "url_not_allowed"
    assert len(http.calls) == 1


async def test_I4_the_client_connects_to_the_address_and_asks_for_the_name(http: Http) -> None:
    """Over real sockets: the name resolves nowhere, and still the recorder is asked for it."""
    async with recording() as recorder:
        url = f"http://public.example:{recorder.port}/a/%C3%A4.png?x=1"
        table = {"public.example": ["127.0.0.1"]}
        assert await fetcher(http, table, allow_private=True).fetch(url, FIELD) == b"hello"
        lines = recorder.requests[0].decode().lower().split("\r\n")
        assert lines[0] == "get /a/%c3%a4.png?x=1 http/1.1"
        assert f"host: public.example:{recorder.port}" in lines


async def test_I4_nothing_of_an_account_or_a_client_goes_along(http: Http) -> None:
    async with recording() as recorder:
        recorder.says("Set-Cookie: a=b", "Location: /next", status="302 Found")
        fetch = fetcher(http, {"public.example": ["127.0.0.1"]}, allow_private=True, redirects=1)
        await refused(fetch, f"http://public.example:{recorder.port}/")
        assert len(recorder.requests) == 2
        named = {line.partition(":")[0] for line in b"".join(recorder.requests).decode().lower().splitlines()}
        assert named <= {"", "get / http/1.1", "get /next http/1.1", "host", "user-agent", "accept", "accept-encoding",
                         "connection"}  # fmt: skip


async def test_private_addresses_can_be_allowed_and_then_names_of_the_network_too(http: Http) -> None:
    async with recording() as recorder:
        fetch = fetcher(http, {"printer": ["127.0.0.1"]}, allow_private=True)
        for host in ("127.0.0.1", "printer"):
            assert await fetch.fetch(f"http://{host}:{recorder.port}/", FIELD) == b"hello"
        problem = await refused(fetch, "http://169.254.169.254/latest/meta-data/")
        assert problem.code == "url_not_allowed"


async def test_redirects_are_followed_a_few_times(http: Http) -> None:
    async with recording() as recorder:
        recorder.says("Location: /again", status="301 Moved")
        problem = await refused(fetcher(http, allow_private=True), f"http://127.0.0.1:{recorder.port}/")
        assert "redirects more than 4 times" in problem.message
        assert recorder.connections == 5


ANSWERS: list[tuple[FakeAnswer, Kind, str]] = [
    (FakeAnswer(404), Kind.INVALID, "status 404"),
    (FakeAnswer(500), Kind.INVALID, "status 500"),
    (FakeAnswer(204), Kind.INVALID, "status 204"),
    (FakeAnswer(302), Kind.INVALID, "nowhere"),
    (FakeAnswer(200, [b"x"], {"content-encoding": "gzip"}), Kind.INVALID, "compressed"),
    (FakeAnswer(200, [], {"content-length": "101"}), Kind.TOO_LARGE, "0 MiB"),
    (FakeAnswer(200, [b"x" * 60, b"x" * 60]), Kind.TOO_LARGE, "0 MiB"),
    (FakeAnswer(200, [b"x"], error=TransportError(Problem(kind=Kind.CUT, message="cut"))), Kind.INVALID, "broke off"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), ANSWERS)
async def test_what_does_not_give_a_file_is_told_by_the_fields_name(answer: FakeAnswer, kind: Kind, words: str) -> None:
    problem = await refused(fetcher(FakeHttp(answer), {"a.example": [PUBLIC]}, max_bytes=100), "https://a.example/")
    assert problem.kind is kind
    assert words in problem.message
    assert answer.closed


async def test_a_host_is_tried_at_a_few_of_its_addresses() -> None:
    table = {"a.example": [PUBLIC, "8.8.8.8", "1.1.1.1", "9.9.9.9"]}
    http = FakeHttp(UNREACHABLE, FakeAnswer(pieces=[b"hello"]))
    assert await fetcher(http, table).fetch("https://a.example/", FIELD) == b"hello"
    http = FakeHttp(UNREACHABLE, UNREACHABLE, UNREACHABLE)
    problem = await refused(fetcher(http, table), "https://a.example/")
    assert "does not answer" in problem.message
    assert [call.address for call in http.calls] == [PUBLIC, "8.8.8.8", "1.1.1.1"]
    problem = await refused(fetcher(FakeHttp(), table), "https://unknown.example/")
    assert "cannot be resolved" in problem.message


async def test_the_systems_names_are_the_default() -> None:
    assert set(await SystemNames().addresses("localhost", 80)) <= {"127.0.0.1", "::1"}
    http = FakeHttp()
    problem = await refused(Fetcher(http, lambda: FetchOptions(allow_private=True)), "https://nothing.invalid/x")
    assert "cannot be resolved" in problem.message
    assert http.calls == []


async def test_a_file_that_takes_too_long_is_given_up(http: Http) -> None:
    async with recording() as recorder:
        recorder.hold.clear()
        fetch = fetcher(http, allow_private=True, timeout=0.05)
        problem = await refused(fetch, f"http://127.0.0.1:{recorder.port}/")
        assert "did not come within 0.05 s" in problem.message


async def test_who_counts_is_told_of_every_chunk_and_may_stop_it() -> None:
    told: list[int] = []
    http = FakeHttp(FakeAnswer(pieces=[b"12", b"345"]), FakeAnswer(pieces=[b"12", b"345"]))
    fetch = fetcher(http, {"a.example": [PUBLIC]})
    await fetch.fetch("https://a.example/", FIELD, told.append)
    assert told == [2, 3]

    def stop(_: int) -> None:
        raise Refusal(Problem(kind=Kind.TOO_LARGE, message="enough"))

    with pytest.raises(Refusal, match="enough"):
        await fetch.fetch("https://a.example/", FIELD, stop)
