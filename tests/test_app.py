"""The composition root's tables: every row can be loaded and is what it says."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from asking import TEXT, ask
from grok2api import options
from grok2api.app import SOCKET_CLIENTS
from grok2api.config.settings import Egress, Proxy, Settings
from grok2api.reach import HTTP_CLIENTS
from rig import BASIC, CHAT, rigged

ROWS = [(row, "send") for row in HTTP_CLIENTS.values()] + [(row, "open") for row in SOCKET_CLIENTS.values()]


@pytest.mark.parametrize(("row", "verb"), ROWS)
def test_every_client_can_be_loaded(row: tuple[str, str], verb: str) -> None:
    kind = getattr(import_module(row[0]), row[1])
    assert all(callable(getattr(kind, name)) for name in (verb, "start", "close"))


@pytest.mark.parametrize(
    ("settings", "mode", "proxies"),
    [
        ({}, "direct", ()),
        ({"resource_proxy_url": "http://r:1"}, "single_proxy", ("http://r:1",)),
        ({"resource_proxy_url": "http://r:1", "resource_proxy_pool": ("http://p:1",)}, "proxy_pool", ("http://p:1",)),
        ({"mode": "single_proxy", "proxy_url": "http://e:1"}, "single_proxy", ("http://e:1",)),
        ({"mode": "proxy_pool", "proxy_pool": ("http://e:1",)}, "proxy_pool", ("http://e:1",)),
        (
            {"mode": "single_proxy", "proxy_url": "http://e:1", "resource_proxy_url": "http://r:1"},
            "single_proxy",
            ("http://r:1",),
        ),
    ],
)
@pytest.mark.parametrize("skip", [False, True])
def test_files_that_clients_point_to_come_by_their_own_proxies_or_the_upstreams_way(
    settings: dict[str, Any], mode: str, proxies: tuple[str, ...], skip: bool
) -> None:
    egress = Egress(**settings, skip_ssl_verify=skip)
    chosen = options.resources(Settings(proxy=Proxy(egress=egress)))
    assert chosen.egress.mode == mode
    assert (chosen.egress.proxy_pool or tuple(filter(None, [chosen.egress.proxy_url]))) == proxies
    assert chosen.egress.skip_ssl_verify is (skip and mode != "direct"), "a client's host has no certificate of ours"
    assert chosen.keepalive == 0, "connections to clients' hosts are not kept"


async def test_a_configured_proxy_is_the_way_out(tmp_path: Path) -> None:
    """No proxy listens there, so that nothing gets through, and the caller is told what is wrong."""
    settings = {"proxy.egress.mode": "single_proxy", "proxy.egress.proxy_url": "http://127.0.0.1:9"}
    async with rigged(tmp_path, accounts=(("sim-basic-1", BASIC),), settings=settings) as rig:
        status, _, body = await rig.post(CHAT, ask("chat"))
        assert status == 502
        assert b"proxy" in body
        assert not rig.world.journal.chats


async def test_without_a_proxy_calls_go_straight(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=(("sim-basic-1", BASIC),)) as rig:
        rig.world.on(script="straight")
        _, _, body = await rig.post(CHAT, ask("chat"))
        assert TEXT["chat"](body) == "straight"
