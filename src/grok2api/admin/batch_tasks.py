"""`GET batch/{task_id}`, its stream and its cancel: following work that goes on by itself."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from grok2api.admin.parts import Parts
from grok2api.admin.route import Call, Events
from grok2api.admin.tasks import Snapshot, Task
from grok2api.dialects import sse


class Done(msgspec.Struct, frozen=True):
    """It is done."""

    status: str = "success"


async def show_task(parts: Parts, call: Call[None, None]) -> Snapshot:
    """Where the task stands; with its results once it has ended."""
    return parts.tasks.find(call.path["task_id"]).snapshot()


async def stream_task(parts: Parts, call: Call[None, None]) -> Events:
    """Server-sent events: `snapshot`, then `progress` for each account, then `done`, `error` or `cancelled`."""
    return Events(_frames(parts.tasks.find(call.path["task_id"])))


async def cancel_task(parts: Parts, call: Call[None, None]) -> Done:
    """End the task after the account that it is at. What was done stays done."""
    task = parts.tasks.find(call.path["task_id"])
    task.cancel()
    await task.wait()
    return Done()


async def _frames(task: Task) -> AsyncGenerator[bytes, None]:
    async with aclosing(task.follow()) as events:
        async for event in events:
            yield sse.data(event)
