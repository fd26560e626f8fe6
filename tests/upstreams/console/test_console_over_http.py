"""The adapter and the real transport against the simulator, which checks proofs as a server does."""

import itertools
import time

import pytest

from grok2api.canonical.events import CallOpened, Ended, Fact, Said
from grok2api.canonical.request import Message, Request, Role, Text, Tool, ToolChoice
from grok2api.catalog import BY_NAME
from grok2api.simulator.app import start
from grok2api.simulator.world import World, WorldOptions
from grok2api.transport.egress import TransportOptions
from grok2api.transport.http import AioHttp
from grok2api.upstreams.base import Credential, Task
from grok2api.upstreams.console import Console, ConsoleOptions

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool("get_weather", "The weather of a city.", CITY)


async def answers(world: World, *requests: Request) -> list[list[Fact]]:
    """The facts of one answer after the other, over one adapter."""
    running = await start(world)
    http = AioHttp(TransportOptions)
    options = ConsoleOptions(base_url=running.url)
    ids = itertools.count()
    console = Console(http, lambda: options, time.time, lambda: f"id-{next(ids)}")
    credential = Credential("a1", next(iter(world.accounts)))
    model = BY_NAME["grok-4.3-console"]
    told = []
    try:
        for request in requests:
            task = Task(request=request, model=model, mode="console", credential=credential, request_id="r1")
            told.append([fact async for batch in console.converse(task) for fact in batch])
    finally:
        await http.close()
        await running.close()
    return told


@pytest.mark.parametrize("require_dpop", [False, True])
async def test_answers_and_calls_arrive_with_and_without_proofs(require_dpop: bool) -> None:
    hello = (Message(Role.USER, (Text("What is the weather in Oslo?"),), "messages.0"),)
    spoken, called = await answers(
        World(options=WorldOptions(require_dpop=require_dpop)),
        Request(model="m", messages=hello),
        Request(model="m", messages=hello, tools=(WEATHER,), tool_choice=ToolChoice("required")),
    )
    assert any(isinstance(fact, Said) for fact in spoken)
    assert [fact.name for fact in called if isinstance(fact, CallOpened)] == ["get_weather"]
    for facts in (spoken, called):
        assert isinstance(facts[-1], Ended)
        assert facts[-1].usage is not None
        assert facts[-1].usage.exact
