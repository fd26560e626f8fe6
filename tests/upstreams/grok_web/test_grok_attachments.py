"""Files that come along with a question, over both chat wires."""

import msgspec
import pytest
from media_rig import ME, OTHER, connected
from telling import text_of

from files import attachment, png
from grok2api.canonical.request import Message, Request, Role, Text
from grok2api.catalog import BY_NAME
from grok2api.transport.egress import TransportOptions
from grok2api.transport.lean import LeanHttp
from grok2api.transport.websocket import AioSockets
from grok2api.upstreams.base import Task
from grok2api.upstreams.grok_web.adapter import GrokWeb
from grok2api.upstreams.grok_web.uploads import Uploads
from grok2api.upstreams.grok_web.users import Users

FILES = (attachment(png(1, 1)), attachment(png(2, 2)))
CAME_WITH = "It came with " + ", ".join(f"image-1.png (image/png, {file.size} bytes)" for file in FILES) + "."


async def ask(grok, transport, *credentials):
    """What is answered to one question with files, for each account that asks it."""
    options = msgspec.structs.replace(grok.options, transport=transport)
    http, sockets = LeanHttp(TransportOptions), AioSockets(TransportOptions)
    request = Request(
        model="grok-4.20-fast", messages=(Message(Role.USER, (Text("What is this?"), *FILES), "messages.0"),)
    )
    uploads = Uploads(grok.files, lambda: 0.0)
    chat = GrokWeb(http, sockets, lambda: options, Users(http), lambda: 0.0, lambda: "id", uploads)
    try:
        for who in credentials:
            task = Task(request=request, model=BY_NAME["grok-4.20-fast"], mode="fast", credential=who, request_id="r")
            yield text_of([fact async for batch in chat.converse(task) for fact in batch])
    finally:
        await sockets.close()
        await http.close()


@pytest.mark.parametrize("transport", ["rest", "ws"])
async def test_a_question_comes_with_files_of_the_account_that_asks_it(simulator, transport):
    async with connected(simulator) as grok:
        answers = [answer async for answer in ask(grok, transport, ME, OTHER, ME)]
    assert all(CAME_WITH in answer for answer in answers)
    assert len(simulator.world.journal.of("upload")) == 4, "each account has its own, once"


async def test_the_newer_wire_names_the_files_twice(simulator):
    async with connected(simulator) as grok:
        assert [answer async for answer in ask(grok, "ws", ME)]
    item = simulator.world.journal.of("socket")[0].body["item"]
    files = item["file_attachment_ids"]
    assert len(set(files)) == 2
    mentions = [{"mention": {"target": {"file_mention": {"file_id": file}}}} for file in files]
    assert item["x_grok"]["input_chunks"][:2] == mentions
