"""Durable films: ordered now, made later, whatever happens to the process meanwhile (I2).

A film is a row of the store. A process that works on one holds it for seconds at a time and writes every step before
the next; its progress is written behind. Films whose process died are taken up by whoever comes first; `film_course`
says what becomes of them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import msgspec

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.film import Film, Status
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.gateway.film_course import Course, Find, Lost, Options, Pictures
from grok2api.gateway.filming import Filming
from grok2api.storage.errors import StoreError
from grok2api.transport.tasks import spawn

#: A film that nobody has said to hold for so long is free; holders say so several times in that span.
HOLD_SEC = 10.0
BEAT_SEC = 3.0
#: Seconds between two looks for films that wait.
LOOK_SEC = 2.0
EXPIRE_SEC = 600.0
_EXPIRE_STEP = 200


class FilmStore(Protocol):
    """The films in the store; see `storage.videos`. Raises `StoreError`."""

    async def add(self, film: Film) -> Film: ...
    async def get(self, ident: str) -> Film | None: ...
    async def ordered(self, key: str) -> Film | None: ...
    async def page(self, after: str | None, limit: int, *, newest_first: bool) -> list[Film]: ...
    async def take(self, holder: str, now: float, until: float, most: int) -> list[Film]: ...
    async def keep(self, film: Film, holder: str) -> bool: ...
    async def hold(self, progress: Mapping[str, int], holder: str, until: float) -> set[str]: ...
    async def let_go(self, holder: str, idents: Collection[str]) -> None: ...
    async def remove(self, ident: str) -> Film | None: ...
    async def expire(self, before: float, most: int) -> list[Film]: ...
    async def uses(self, file: str) -> bool: ...


class Busy(Protocol):
    """What the process knows of its work; a process that drains begins with nothing."""

    draining: bool

    def enter(self) -> None: ...
    def leave(self) -> None: ...


class Films:
    """All films. `holder` names this process; `forget` removes a file from the media cache."""

    def __init__(
        self,
        store: FilmStore,
        filming: Filming,
        pictures: Pictures,
        forget: Callable[[str], Awaitable[object]],
        find: Find,
        options: Callable[[], Options],
        now: Callable[[], float],
        holder: str,
        busy: Busy,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._filming = filming
        self._pictures = pictures
        self._forget = forget
        self._find = find
        self._options = options
        self._now = now
        self._holder = holder
        self._busy = busy
        self._sleep = sleep
        self._taking = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, int] = {}
        self._closed = False

    # --- for the endpoints

    def maker(self, film: Film) -> str:
        """The model that makes a film, whatever name it was ordered by. Raises `Refusal` when there is none."""
        return self._find(film.model)[0].name

    async def order(self, film: Film, pictures: Sequence[Attachment]) -> Film:
        """Take an order; the film of an earlier one with its key (C8). Raises `Refusal` and `StoreError`.

        Refused at once when no account could begin it, or when the key was used for something else.
        """
        if film.key is not None and (known := await self._store.ordered(film.key)) is not None:
            return self._same(known, film)
        _, need = self._find(film.model)
        refused = self._filming.pool.refuses(need)
        if refused is not None:
            raise Refusal(refused)
        if pictures:
            await self._pictures.put(film.id, pictures)
        added = await self._store.add(msgspec.structs.replace(film, pictures=len(pictures)))
        if added.id != film.id:
            await self._pictures.drop(film.id)
            return self._same(added, film)
        with suppress(StoreError):
            await self.take()
        return added

    def _same(self, known: Film, film: Film) -> Film:
        if known.body != film.body:
            message = "This Idempotency-Key was used for another order; use a new key, or send the same order"
            raise Refusal(
                Problem(kind=Kind.CONFLICT, message=message, param="idempotency-key", code="idempotency_conflict")
            )
        return self._seen(known)

    async def get(self, ident: str) -> Film | None:
        """The film as it is now. Raises `StoreError`."""
        film = await self._store.get(ident)
        return None if film is None else self._seen(film)

    async def page(self, after: str | None, limit: int, *, newest_first: bool) -> list[Film]:
        """At most `limit` films behind the film `after`. Raises `StoreError`."""
        return [self._seen(film) for film in await self._store.page(after, limit, newest_first=newest_first)]

    async def delete(self, ident: str) -> bool:
        """Forget a film; one that is being made is given up first. Raises `StoreError`."""
        film = await self._store.remove(ident)
        task = self._tasks.get(ident)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if film is not None:
            await self._clear(film)
        return film is not None

    def _seen(self, film: Film) -> Film:
        """With the progress that is not written yet."""
        percent = self._progress.get(film.id, 0)
        if film.status.over or percent <= film.progress:
            return film
        return msgspec.structs.replace(film, progress=percent, status=Status.IN_PROGRESS)

    async def _clear(self, film: Film) -> None:
        """What is kept of a film besides its row; a file that another film has too stays."""
        if film.pictures:
            await self._pictures.drop(film.id)
        if film.file is not None and not await self._store.uses(film.file):
            await self._forget(film.file)

    # --- work

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work on films until the context ends; what is under way then is given up, the rest waits."""
        with suppress(StoreError):
            await self.take()
        try:
            yield
        finally:
            self._closed = True
            idents, tasks = list(self._tasks), list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(StoreError):
                await self._store.let_go(self._holder, idents)

    async def take(self) -> None:
        """Begin with as many films as there is room for. Raises `StoreError`."""
        async with self._taking:
            room = self._options().at_once - len(self._tasks)
            if room <= 0 or self._closed or self._busy.draining:
                return
            now = self._now()
            for film in await self._store.take(self._holder, now, now + HOLD_SEC, room):
                if film.id not in self._tasks:
                    self._progress[film.id] = film.progress
                    self._tasks[film.id] = spawn(self._work(film), "film")

    async def beat(self) -> None:
        """Write progress and hold on; give up what is not ours any more. Raises `StoreError`."""
        if not self._tasks:
            return
        progress = {ident: self._progress.get(ident, 0) for ident in self._tasks}
        mine = await self._store.hold(progress, self._holder, self._now() + HOLD_SEC)
        for ident in progress.keys() - mine:
            task = self._tasks.get(ident)
            if task is not None:
                task.cancel()

    async def expire(self) -> None:
        """Forget films that have been over for long enough. Raises `StoreError`."""
        keep = self._options().keep_sec
        while keep:
            gone = await self._store.expire(self._now() - keep, _EXPIRE_STEP)
            for film in gone:
                await self._clear(film)
            if len(gone) < _EXPIRE_STEP:
                return

    async def _work(self, film: Film) -> None:
        """One film, until it is over or not ours."""
        self._busy.enter()
        course = Course(film, self._filming, self._find, self._options, self._now, self._keep, self._show, self._wait)
        try:
            await course.run(self._pictures)
        except Lost:
            pass
        finally:
            self._busy.leave()
            del self._tasks[film.id]
            self._progress.pop(film.id, None)
        with suppress(StoreError):
            await self.take()

    def _show(self, film: Film, percent: int) -> None:
        self._progress[film.id] = percent

    async def _keep(self, film: Film) -> bool:
        return await self._store.keep(film, self._holder)

    async def _wait(self, seconds: float) -> None:
        """Raises `Lost` when the process ends meanwhile."""
        await self._sleep(seconds)
        if self._busy.draining:
            raise Lost
