"""The composition root's tables: every row can be loaded and is what it says."""

from importlib import import_module
from pathlib import Path

import pytest

from asking import TEXT, ask
from grok2api.app import SOCKET_CLIENTS
from grok2api.reach import HTTP_CLIENTS
from rig import BASIC, CHAT, rigged

ROWS = [(row, "send") for row in HTTP_CLIENTS.values()] + [(row, "open") for row in SOCKET_CLIENTS.values()]


@pytest.mark.parametrize(("row", "verb"), ROWS)
def test_every_client_can_be_loaded(row: tuple[str, str], verb: str) -> None:
    kind = getattr(import_module(row[0]), row[1])
    assert all(callable(getattr(kind, name)) for name in (verb, "start", "close"))


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
