"""Both HTTP clients against real servers on loopback that delay, cut, compress and reset."""

import asyncio
import contextlib
import datetime as dt
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import brotli
import pytest
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from files import attachment
from grok2api.canonical.problem import Kind
from grok2api.canonical.request import File
from grok2api.transport.egress import TransportOptions
from grok2api.transport.http import AioHttp
from grok2api.transport.lean import LeanHttp
from grok2api.upstreams.base import HttpCall, Pieces, TransportError

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A TCP server that reads one request for each entry into its script, and remembers what it saw."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.gone = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.add(asyncio.current_task())
        try:
            while not writer.is_closing():
                self.requests.append(await _request(reader))
                await self.script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.gone.set()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    named = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    length = next((int(value) for name, _, value in named if name == b"content-length"), 0)
    return head + await reader.readexactly(length)


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[Server]:
    server = Server(script)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)


@pytest.fixture(autouse=True, params=[AioHttp, LeanHttp], ids=["aiohttp", "lean"])
def kind(request: pytest.FixtureRequest) -> None:
    """Every test of this file is a promise of each client."""
    global _kind
    _kind = request.param


_kind: type[AioHttp | LeanHttp] = AioHttp


@asynccontextmanager
async def client(options: TransportOptions | None = None) -> AsyncIterator[AioHttp | LeanHttp]:
    chosen = options or TransportOptions()
    http = _kind(lambda: chosen)
    await http.start()
    try:
        yield http
    finally:
        await http.close()


def call(server: Server, body: bytes | Pieces = b"{}", **headers: str) -> HttpCall:
    return HttpCall(method="POST", url=f"http://127.0.0.1:{server.port}/v1?q=1", headers=headers, body=body)


def says(*pieces: bytes, close: bool = False) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if close:
            writer.close()

    return script


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def read(http: AioHttp | LeanHttp, server: Server) -> bytes:
    async with http.send(call(server)) as got:
        return b"".join([chunk async for chunk in got.chunks()])


async def test_a_call_goes_out_as_it_was_built() -> None:
    async with serving(says(answer(b"ok", "X-One: 1", "x-one: 2"))) as server, client() as http:
        async with http.send(call(server, b'{"a":1}', **{"X-Mine": "yes", "Content-Type": "application/json"})) as got:
            assert (got.status, got.headers["x-one"], [c async for c in got.chunks()]) == (200, "1, 2", [b"ok"])
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        assert lines[0] == "post /v1?q=1 http/1.1"
        assert {"x-mine: yes", "content-type: application/json", "accept-encoding: gzip, deflate, br, zstd"} <= set(
            lines
        )
        assert not any(line.startswith(("user-agent", "cookie")) for line in lines)
        assert body == b'{"a":1}'


async def test_a_connection_whose_body_was_read_is_used_again_and_carries_no_cookie() -> None:
    async with serving(says(answer(b"ok", "Set-Cookie: a=b"))) as server, client() as http:
        for _ in range(3):
            assert await read(http, server) == b"ok"
        assert server.connections == 1
        assert b"a=b" not in b"".join(server.requests)


async def test_redirects_and_errors_are_answers() -> None:
    script = says(answer(b"no", "Location: /else", status="302 Found"))
    async with serving(script) as server, client() as http, http.send(call(server)) as got:
        assert (got.status, await got.head(), len(server.requests)) == (302, b"no", 1)


_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
}


@pytest.mark.parametrize("coding", _ENCODERS)
async def test_content_codings_are_undone(coding: str) -> None:
    plain = b"data: hello\n\n" * 20_000
    body = _ENCODERS[coding](plain)
    async with serving(says(answer(body, f"Content-Encoding: {coding}"))) as server, client() as http:
        assert await read(http, server) == plain


async def test_a_large_body_both_ways_arrives_whole() -> None:
    plain = bytes(range(256)) * 4096
    async with serving(says(answer(plain))) as server, client() as http:
        async with http.send(call(server, plain)) as got:
            assert b"".join([chunk async for chunk in got.chunks()]) == plain
        assert server.requests[0].endswith(plain)


async def test_a_body_in_pieces_arrives_as_one_as_often_as_it_is_sent() -> None:
    file = attachment(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2048, File())
    body = Pieces(b'{"a":"', file.base64, b'"}')
    async with serving(says(answer(b"ok"))) as server, client() as http:
        for _ in range(2):
            async with http.send(call(server, body)) as got:
                assert [chunk async for chunk in got.chunks()] == [b"ok"]
        assert server.connections == 1
        assert {request.partition(b"\r\n\r\n")[2] for request in server.requests} == {body.whole()}


async def test_an_answer_that_does_not_wait_for_the_body_is_taken() -> None:
    """A server that refuses a large body by its head; more of it than the sockets hold is still to be sent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"too large", status="413 Content Too Large"))
        await writer.drain()
        await gone.wait()
        writer.close()

    gone = asyncio.Event()
    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    body = Pieces(*[bytes(64 * 1024)] * 1024)
    sent = HttpCall(method="POST", url=url, headers={}, body=body)
    async with client() as http, asyncio.timeout(5), http.send(sent) as got:
        assert (got.status, await got.head()) == (413, b"too large")
    gone.set()
    listener.close()


async def test_a_given_address_is_connected_to_and_the_host_is_asked_for() -> None:
    async with serving(says(answer(b"ok"))) as server, client() as http:
        url = f"http://nowhere.invalid:{server.port}/a%2Fb?c=%20d"
        async with http.send(HttpCall(method="GET", url=url, headers={}, address="127.0.0.1")) as got:
            assert await got.head() == b"ok"
        lines = server.requests[0].decode().split("\r\n")
        assert lines[0] == "GET /a%2Fb?c=%20d HTTP/1.1"
        assert f"Host: nowhere.invalid:{server.port}" in lines


async def test_I4_behind_a_given_address_the_certificate_is_still_the_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certificate_for("public.example", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    seen: list[str | None] = []
    context.sni_callback = lambda _, name, __: seen.append(name)
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer(b"ok"))
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = listener.sockets[0].getsockname()[1]
    async with client() as http:
        other, right = (
            HttpCall(method="GET", url=f"https://{name}:{port}/", headers={}, address="127.0.0.1")
            for name in ("other.example", "public.example")
        )
        with pytest.raises(TransportError, match="not trusted"):
            async with http.send(other):
                pass
        assert asked == []
        if _kind is LeanHttp:  # the other reads the trusted certificates when it is imported
            async with http.send(right) as got:
                assert await got.head() == b"ok"
    assert seen == ["other.example", "public.example"][: len(asked) + 1]
    listener.close()


def certificate_for(name: str, folder: Path) -> Path:
    """A certificate of its own, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


async def test_each_read_is_told_as_soon_as_it_arrives() -> None:
    gate = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await gate.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    async with serving(script) as server, client() as http, http.send(call(server)) as got:
        chunks = got.chunks()
        assert await anext(chunks) == b"one"
        gate.set()
        assert [chunk async for chunk in chunks] == [b"two"]


_SHORT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "inside a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
    "coding": answer(gzip.compress(b"hello" * 99)[:-4], "Content-Encoding: gzip"),
    "wrong coding": answer(b"hello", "Content-Encoding: gzip"),
    "unknown coding": answer(b"hello", "Content-Encoding: lzma"),
}


@pytest.mark.parametrize("name", _SHORT)
async def test_S4_a_body_that_is_short_or_broken_is_cut(name: str) -> None:
    async with serving(says(_SHORT[name], close=True)) as server, client() as http:
        with pytest.raises(TransportError) as caught:
            await read(http, server)
        assert caught.value.problem.kind is Kind.CUT


async def test_S4_whatever_the_byte_of_the_cut_it_is_cut_or_unreachable() -> None:
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    head = whole.index(b"\r\n\r\n") + 4
    async with client() as http:
        for size in range(len(whole)):
            async with serving(says(whole[:size], close=True)) as server:
                with pytest.raises(TransportError) as caught:
                    await read(http, server)
                assert caught.value.problem.kind is (Kind.CUT if size >= head else Kind.UNREACHABLE), size


async def test_a_reset_in_the_body_is_cut() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await writer.drain()
        writer.transport.abort()

    async with serving(script) as server, client() as http:
        with pytest.raises(TransportError) as caught:
            await read(http, server)
        assert caught.value.problem.kind is Kind.CUT


async def test_a_refused_connection_and_nonsense_are_unreachable_and_say_who() -> None:
    async with serving(says(b"SSH-2.0-nonsense\r\n\r\n", close=True)) as server, client() as http:
        with pytest.raises(TransportError) as caught:
            await read(http, server)
        assert caught.value.problem.kind is Kind.UNREACHABLE
        dead = call(server)
    async with client() as http:
        with pytest.raises(TransportError) as caught:
            async with http.send(dead):
                pass
    assert caught.value.problem.kind is Kind.UNREACHABLE
    assert caught.value.problem.message == "127.0.0.1 does not accept connections"


async def test_nothing_is_ever_sent_twice() -> None:
    """The server closes after the second request, on a connection that was used before, without answering."""
    first = says(answer(b"ok"))

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) == 1:
            await first(reader, writer)
        else:
            writer.close()

    async with serving(script) as server, client() as http:
        await read(http, server)
        with pytest.raises(TransportError) as caught:
            await read(http, server)
        assert caught.value.problem.kind is Kind.UNREACHABLE
        assert len(server.requests) == 2


async def test_S13_leaving_in_the_middle_closes_the_connection_at_once() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        await reader.read()

    async with serving(script) as server, client() as http:
        async with http.send(call(server)) as got:
            assert await anext(got.chunks()) == b"one"
        await asyncio.wait_for(server.gone.wait(), 0.25)


async def test_S13_cancelling_before_the_head_closes_the_connection_at_once() -> None:
    asked = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    async with serving(script) as server, client() as http:
        task = asyncio.ensure_future(read(http, server))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 0.25)


async def test_the_head_of_an_endless_error_is_bounded() -> None:
    script = says(b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 9000)
    async with serving(script) as server, client() as http, http.send(call(server)) as got:
        assert await got.head(100) == b"x" * 100


async def test_the_head_of_a_broken_error_is_what_came() -> None:
    script = says(b"HTTP/1.1 429 No\r\nContent-Length: 99\r\n\r\nToo many", close=True)
    async with serving(script) as server, client() as http, http.send(call(server)) as got:
        assert (got.status, await got.head()) == (429, b"Too many")


async def test_headers_of_40_KB_are_read() -> None:
    script = says(answer(b"ok", "X-Long: " + "y" * 40_000))
    async with serving(script) as server, client() as http, http.send(call(server)) as got:
        assert len(got.headers["x-long"]) == 40_000
