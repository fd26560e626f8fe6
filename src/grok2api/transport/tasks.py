"""Background tasks that cannot be lost.

The event loop keeps only a weak reference to a task and tells nobody what it died of. `spawn` is the one place
where a task is made: it keeps the task alive until it ends, and logs the kind of exception that ended it. The
exception's text is not logged, because it may quote a header, a URL or a body that holds a secret.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from itertools import islice
from typing import Any, TypeVar

import structlog

_T = TypeVar("_T")

_log = structlog.stdlib.get_logger(__name__)
_running: set[asyncio.Task[Any]] = set()


def spawn(coro: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
    """Run `coro` as a task of the current loop. It is kept until it ends; cancelling it is not an error."""
    task = asyncio.create_task(coro, name=name)  # noqa: TID251 - the one allowed place
    _running.add(task)
    task.add_done_callback(_ended)
    return task


async def together(coros: Iterable[Coroutine[Any, Any, _T]], name: str, most: int) -> list[_T]:
    """What the coroutines return, in their order, at most `most` of them under way at once.

    The first failure ends the others and is raised; nothing outlives the call.
    """
    gate = asyncio.Semaphore(most)
    failures: list[Exception] = []
    results: dict[int, _T] = {}

    async def run(place: int, coro: Coroutine[Any, Any, _T]) -> None:
        try:
            async with gate:
                results[place] = await coro
        except Exception as error:  # raised again below, where the caller sees it
            failures.append(error)
            _cancel(tasks)

    waiting = list(coros)
    tasks = [spawn(run(place, coro), name) for place, coro in enumerate(waiting)]
    try:
        await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        _cancel(tasks)
        for coro in waiting:
            coro.close()  # one that never had its turn
    if failures:
        raise failures[0]
    return [results[place] for place in range(len(waiting))]


async def as_done(coros: Iterable[Coroutine[Any, Any, _T]], name: str, most: int) -> AsyncGenerator[_T, None]:
    """What the coroutines return, as each is done, at most `most` of them under way at once. Closing it ends them.

    They are begun as there is room, so that `coros` may be as long as it likes. A failure ends the others too.
    """
    remaining = iter(coros)
    running: set[asyncio.Task[_T]] = set()
    try:
        while True:
            running |= {spawn(coro, name) for coro in islice(remaining, most - len(running))}
            if not running:
                return
            finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                yield task.result()
    finally:
        _cancel(running)
        await asyncio.gather(*running, return_exceptions=True)


def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        if task is not asyncio.current_task():
            task.cancel()


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        _log.error("task died", task=task.get_name(), error=type(error).__name__, where=where(error))


def where(error: BaseException) -> str:
    """The innermost line that raised: enough to find the bug, and free of values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
