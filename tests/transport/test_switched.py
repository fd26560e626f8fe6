"""Clients that the settings choose, while calls are under way."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any, ClassVar

import pytest

from fake_http import FakeAnswer
from grok2api.transport.egress import TransportOptions
from grok2api.transport.switched import SwitchedHttp, SwitchedSockets
from grok2api.upstreams.base import HttpCall

CALL = HttpCall(method="GET", url="http://upstream.test", headers={})


class Client:
    """Notes what is done to it."""

    made: ClassVar[list["Client"]] = []

    def __init__(self, options: Callable[[], TransportOptions]) -> None:
        self.options = options
        self.running = 0
        self.did: list[str] = []
        self.made.append(self)

    async def start(self) -> None:
        self.did.append("started")

    async def close(self) -> None:
        self.did.append("closed")

    @asynccontextmanager
    async def send(self, call: HttpCall) -> AsyncIterator[FakeAnswer]:
        self.running += 1
        yield FakeAnswer()
        self.running -= 1

    @asynccontextmanager
    async def open(self, url: str, headers: object, account: str = "") -> AsyncIterator[str]:
        yield f"{url} for {account}"


ROWS = {"plain": ("clients_a", "Client"), "other": ("clients_b", "Client")}


@pytest.fixture(autouse=True)
def _modules(monkeypatch: pytest.MonkeyPatch) -> None:
    Client.made = []
    for name, _ in ROWS.values():
        module: Any = ModuleType(name)
        module.Client = type("Client", (Client,), {"made": Client.made})
        monkeypatch.setitem(sys.modules, name, module)


async def test_only_what_is_chosen_is_made_and_the_options_reach_it() -> None:
    options = TransportOptions
    http = SwitchedHttp(ROWS, lambda: "plain", options)
    await http.start()
    async with http.send(CALL):
        pass
    assert [client.did for client in Client.made] == [["started"]]
    assert Client.made[0].options is options


async def test_another_choice_is_for_the_next_call_and_running_ones_go_on() -> None:
    choice = "plain"
    http = SwitchedHttp(ROWS, lambda: choice, TransportOptions)
    await http.start()
    async with http.send(CALL):
        choice = "other"
        async with http.send(CALL):
            assert [client.running for client in Client.made] == [1, 1]
        choice = "plain"
        async with http.send(CALL):
            assert [client.running for client in Client.made] == [2, 0]
    await http.close()
    assert [client.did for client in Client.made] == [["started", "closed"]] * 2


async def test_sockets_are_switched_too() -> None:
    choice = "plain"
    sockets = SwitchedSockets(ROWS, lambda: choice, TransportOptions)
    async with sockets.open("ws://a", {}, "acc_1") as socket:
        assert socket == "ws://a for acc_1"  # type: ignore[comparison-overlap]
    choice = "other"
    async with sockets.open("ws://b", {}) as socket:
        assert socket == "ws://b for "  # type: ignore[comparison-overlap]
    assert len(Client.made) == 2
