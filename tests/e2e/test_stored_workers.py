"""Two workers with one store: what one has answered, the other goes on with at once."""

import json
from pathlib import Path
from typing import Any

from asking import MODELS
from pairs import pair

CONSOLE = MODELS["console"]


async def test_the_other_worker_goes_on_with_a_response(tmp_path: Path) -> None:
    async with pair(tmp_path) as (one, other):
        answer = await one.openai.responses.create(model=CONSOLE, input="I am Ada.")
        second = await other.openai.responses.create(model=CONSOLE, input="Who?", previous_response_id=answer.id)
        assert "I am Ada." in json.dumps(one.world.journal.chats[-1].body)
        assert await one.openai.responses.retrieve(second.id) == second
        assert await other.openai.responses.retrieve(answer.id) == answer


async def test_the_other_worker_goes_on_with_a_conversation(tmp_path: Path) -> None:
    async with pair(tmp_path) as (one, other):
        one.world.on(script="Yes.")
        made = await one.openai.conversations.create()
        for number in range(6):
            worker = (one, other)[number % 2]
            stream = await worker.openai.responses.create(
                model=CONSOLE, input=f"Number {number}", conversation=made.id, stream=bool(number % 3)
            )  # type: ignore[call-overload]
            if number % 3:
                assert [event async for event in stream]
        sent = json.dumps(one.world.journal.chats[-1].body)
        assert [sent.count(f"Number {number}") for number in range(6)] == [1] * 6
        items: Any = [item async for item in other.openai.conversations.items.list(made.id, order="asc")]
        said = [item.content[0].text for item in items if item.type == "message" and item.role == "user"]
        assert said == [f"Number {number}" for number in range(6)]
