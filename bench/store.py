"""What a hundred thousand accounts cost in the store: taking them in, showing pages of them, changing many at once.

Each database is empty before and holds the accounts afterwards: name one for it alone. Times are those of the whole
call, with everything that other processes do to a shared machine in them; memory is the growth of this process.
"""

import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from bench.pool import MANY, START, TAG, mixed
from bench.stats import shown, table
from grok2api.accounts.lifecycle import disabled, enabled
from grok2api.accounts.query import Filter, Note, Order, SortKey, Status
from grok2api.catalog import Tier
from grok2api.storage.accounts import AccountStore
from grok2api.storage.opening import store_for

_PAGE = 50
_NOTE = Note(action="bench", actor="bench", at=START)

Call = Callable[[AccountStore], Awaitable[Any]]


def _page(which: Filter = Filter(), order: Order = Order(), offset: int = 0) -> Call:  # noqa: B008 - frozen
    return lambda store: store.page(which, order, offset, _PAGE, START)


#: Questions, each asked several times; the median is shown.
_PAGES: dict[str, Call] = {
    "first page": _page(),
    "last page": _page(offset=MANY - _PAGE),
    "first page, by last use": _page(order=Order(SortKey.LAST_USED, descending=True)),
    "first page, by status": _page(order=Order(SortKey.STATUS)),
    "first page of a pool": _page(Filter(pool=Tier.HEAVY)),
    "first page of those that rest": _page(Filter(status=Status.COOLING)),
    "first page of a tag": _page(Filter(tag=TAG)),
    "first page of a search": _page(Filter(text="401")),
    "numbers by pool and status": lambda store: store.tally(START),
    "numbers by tag": lambda store: store.tags(),
}


async def _many(store: AccountStore) -> dict[str, float]:
    """Seconds of the calls that touch everybody, in this order."""
    ids = await store.match(Filter(pool=Tier.SUPER), START)
    spent: dict[str, float] = {}

    async def timed(name: str, call: Awaitable[Any]) -> Any:
        began = time.perf_counter()
        result = await call
        spent[name] = time.perf_counter() - began
        return result

    changed = await timed(f"disabling {len(ids):,}", store.change(ids, disabled, _NOTE))
    await timed("undoing that", store.undo(changed.change_id, _NOTE))
    await timed("enabling them, unnoted", store.change(ids, enabled))
    everyone = await timed("reading all, as at a start", store.load())
    await timed("writing what serving changed of 200", store.write_runtime(everyone[:200]))
    await timed("adding all once more, in vain", store.add(everyone))
    return spent


async def _measure(url: str) -> dict[str, str]:
    """Every figure of one database, by its name."""
    with tempfile.TemporaryDirectory() as directory:
        store = await store_for(url, Path(directory), {})
        try:
            fresh = list(mixed())
            before = _resident()
            began = time.perf_counter()
            await store.add(fresh, _NOTE)
            figures = {"import of 100,000 in one call (s)": shown(time.perf_counter() - began)}
            figures["its peak of memory (MiB)"] = shown(_resident() - before)
            for name, call in _PAGES.items():
                figures[f"{name} (ms)"] = shown(1000 * await _median(store, call))
            for name, seconds in (await _many(store)).items():
                figures[f"{name} (s)"] = shown(seconds)
            return figures
        finally:
            await store.close()


async def _median(store: AccountStore, call: Call, times: int = 7) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        await call(store)
        spent.append(time.perf_counter() - began)
    return sorted(spent)[times // 2]


def _resident() -> float:
    """The most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def store_table(urls: list[str]) -> str:
    """A column for each database; SQLite in a file of its own when none is named."""
    columns = {
        make_url(url).get_backend_name() if url else "sqlite": asyncio.run(_measure(url)) for url in urls or [""]
    }
    names = next(iter(columns.values()))
    return table(["", *columns], [[name, *(figures[name] for figures in columns.values())] for name in names])
