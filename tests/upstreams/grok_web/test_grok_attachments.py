"""Files that come along with a question, over both chat wires."""

import msgspec
import pytest
from media_rig import ME, OTHER, connected, sent
from telling import text_of

from grok2api.canonical.events import Failed
from grok2api.canonical.problem import Kind
from grok2api.canonical.request import Message, Request, Role, Text
from grok2api.catalog import BY_NAME
from grok2api.transport.egress import TransportOptions
from grok2api.transport.lean import LeanHttp
from grok2api.transport.websocket import AioSockets
from grok2api.upstreams.base import Task
from grok2api.upstreams.grok_web.adapter import GrokWeb


async def ask(grok, who, attachments, transport):
    """The facts of one question with files."""
    options = msgspec.structs.replace(grok.options, transport=transport)
    http, sockets = LeanHttp(TransportOptions), AioSockets(TransportOptions)
    request = Request(model="grok-4.20-fast", messages=(Message(Role.USER, (Text("What is this?"),)),))
    task = Task(
        request=request,
        model=BY_NAME["grok-4.20-fast"],
        mode="fast",
        credential=who,
        request_id="r",
        attachments=attachments,
    )
    try:
        chat = GrokWeb(http, sockets, lambda: options, lambda: 0.0, lambda: "id")
        return [fact async for batch in chat.converse(task) for fact in batch]
    finally:
        await sockets.close()
        await http.close()


@pytest.mark.parametrize("transport", ["rest", "ws"])
async def test_a_question_may_come_with_files_of_the_account(simulator, transport):
    async with connected(simulator) as grok:
        files = tuple(reference.id for reference in await sent(grok, 2))
        facts = await ask(grok, ME, files, transport)
        assert "It came with 0.png (image/png, 6 bytes), 1.png (image/png, 6 bytes)." in text_of(facts)
        facts = await ask(grok, OTHER, files, transport)
    assert isinstance(facts[-1], Failed)
    assert facts[-1].problem.kind is Kind.NOT_FOUND


async def test_the_newer_wire_names_the_files_twice(simulator):
    async with connected(simulator) as grok:
        files = tuple(reference.id for reference in await sent(grok))
        await ask(grok, ME, files, "ws")
    item = simulator.world.journal.of("socket")[0].body["item"]
    assert item["file_attachment_ids"] == list(files)
    assert item["x_grok"]["input_chunks"] == [
        {"mention": {"target": {"file_mention": {"file_id": files[0]}}}},
        {"text": {"text": "[user]: What is this?"}},
    ]
