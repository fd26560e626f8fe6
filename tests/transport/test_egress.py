"""Which way out an account takes."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from grok2api.canonical.problem import Kind, Refusal
from grok2api.transport.egress import EgressOptions, Routes, TransportOptions, choose_proxy, is_socks
from grok2api.transport.fetch import Fetcher, FetchOptions
from grok2api.transport.http import AioHttp
from grok2api.upstreams.base import HttpCall, TransportError

POOL = tuple(f"http://proxy-{number}.test:8080" for number in range(4))


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (EgressOptions(), None),
        (EgressOptions(mode="direct", proxy_url=POOL[0]), None),
        (EgressOptions(mode="single_proxy", proxy_url=POOL[0]), POOL[0]),
        (EgressOptions(mode="single_proxy"), None),
        (EgressOptions(mode="proxy_pool"), None),
        (EgressOptions(mode="proxy_pool", proxy_pool=POOL[:1]), POOL[0]),
    ],
)
def test_the_mode_says_which_proxy(options: EgressOptions, chosen: str | None) -> None:
    assert choose_proxy(options, "a1") == chosen


def test_accounts_spread_over_the_pool_and_stay_where_they_are() -> None:
    options = EgressOptions(mode="proxy_pool", proxy_pool=POOL)
    accounts = [f"account-{number}" for number in range(1000)]
    before = {account: choose_proxy(options, account) for account in accounts}
    counts = Counter(before.values())
    assert set(counts) == set(POOL)
    assert min(counts.values()) > 180
    fewer = EgressOptions(mode="proxy_pool", proxy_pool=POOL[1:])
    moved = [account for account in accounts if choose_proxy(fewer, account) != before[account]]
    assert {before[account] for account in moved} == {POOL[0]}


@pytest.mark.parametrize(("proxy", "socks"), [("socks5://h:1", True), ("SOCKS5H://h:1", True), ("http://h:1", False)])
def test_socks_is_told_from_http(proxy: str, socks: bool) -> None:
    assert is_socks(proxy) is socks


def test_Z2_a_proxy_password_is_not_in_the_repr() -> None:
    options = EgressOptions(
        mode="single_proxy", proxy_url="http://u:very-secret@h:1", proxy_pool=("http://u:very-secret@h",)
    )
    assert "very-secret" not in repr(options)
    assert "very-secret" not in repr(TransportOptions(egress=options))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (EgressOptions(), ("direct",)),
        (EgressOptions(mode="proxy_pool"), ("direct",)),
        (EgressOptions(mode="single_proxy", proxy_url="http://user:very-secret@proxy:8080"), ("proxy:8080",)),
        (
            EgressOptions(
                mode="proxy_pool", proxy_pool=("http://a:very-secret@p:1", "http://b:very-secret@p:1", "http://q:2")
            ),
            ("p:1", "p:1 (2)", "q:2"),
        ),
    ],
)
def test_a_way_out_has_a_name_without_a_secret(options: EgressOptions, names: tuple[str, ...]) -> None:
    routes = Routes(lambda: options)
    assert routes.all() == names
    assert {routes.of(f"acc_{number}") for number in range(200)} == set(names)


_PLAIN = HttpCall(method="GET", url="http://upstream.test/x", headers={})


async def _heard(scheme: str, call: HttpCall = _PLAIN, replies: Sequence[bytes] = ()) -> bytes:
    """The first bytes that a proxy hears when a call goes through it, after it has said `replies` to those before."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(4096)
        for reply in replies:
            writer.write(reply)
            data = await reader.read(4096)
        if not heard.done():
            heard.set_result(data)
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    egress = EgressOptions(mode="single_proxy", proxy_url=f"{scheme}://user:very-secret@127.0.0.1:{port}")
    options = TransportOptions(egress=egress)
    http = AioHttp(lambda: options)
    with pytest.raises(TransportError) as caught:
        async with http.send(call):
            pass
    await http.close()
    listener.close()
    assert caught.value.problem.kind is Kind.UNREACHABLE
    assert "very-secret" not in repr(caught.value.problem)
    return await heard


async def test_calls_go_through_an_http_proxy() -> None:
    assert (await _heard("http")).startswith(b"GET http://upstream.test/x HTTP/1.1\r\n")


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_calls_go_through_a_socks_proxy(scheme: str) -> None:
    assert (await _heard(scheme)).startswith(b"\x05")


async def test_I4_a_proxy_is_told_the_address_that_was_judged_and_not_the_name() -> None:
    """Else the proxy would resolve the name again, and perhaps to another address."""
    plain = HttpCall(method="GET", url="http://turn.example/x", headers={}, address="93.184.216.34")
    secure = HttpCall(method="GET", url="https://turn.example/x", headers={}, address="93.184.216.34")
    first = (await _heard("http", plain)).split(b"\r\n")
    assert first[0] == b"GET http://93.184.216.34/x HTTP/1.1"
    assert b"Host: turn.example" in first
    assert (await _heard("http", secure)).startswith(b"CONNECT 93.184.216.34:443 HTTP/1.1\r\n")
    assert await _heard("socks5", plain, [b"\x05\x00"]) == b"\x05\x01\x00\x01" + bytes([93, 184, 216, 34, 0, 80])


async def test_I4_what_is_refused_is_not_asked_of_the_proxy_either() -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(b"")
        writer.close()
        await writer.wait_closed()

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    options = TransportOptions(egress=EgressOptions(mode="single_proxy", proxy_url=f"http://127.0.0.1:{port}"))
    http = AioHttp(lambda: options)
    for url in ("http://turn.example/", "http://169.254.169.254/", f"http://localhost:{port}/"):
        with pytest.raises(Refusal):
            await Fetcher(http, FetchOptions, resolve).fetch(url, "field")
    await http.close()
    listener.close()
    assert asked == []


async def test_a_proxy_that_is_no_url_is_said_without_quoting_it() -> None:
    options = TransportOptions(egress=EgressOptions(mode="single_proxy", proxy_url="socks5://very-secret"))
    http = AioHttp(lambda: options)
    with pytest.raises(TransportError) as caught:
        async with http.send(HttpCall(method="GET", url="http://upstream.test/x", headers={})):
            pass
    await http.close()
    assert "very-secret" not in repr(caught.value.problem)
