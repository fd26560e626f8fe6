"""The course of one durable film: every step written before the next, up to the file or the reason why there is none.

What is found at rest goes on, with the account that began it; what was under way at the upstream when its process
died has failed, because asking again would make a second film (I2). A film that finds no account waits for one, as
long as a film may take. While the store is away the film waits with what it has to write.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Protocol

import msgspec
import structlog

from grok2api.accounts.leases import Need
from grok2api.canonical.attachment import Attachment
from grok2api.canonical.choices import video_ratio
from grok2api.canonical.events import Failed, Progressed
from grok2api.canonical.film import Film, Status
from grok2api.canonical.media import Checkpoint, VideoRequest
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.catalog import Model
from grok2api.gateway.filming import Filmed, Filming, Order, interrupted
from grok2api.gateway.turns import Report
from grok2api.storage.errors import StoreError

#: How often a step is written again while the store is away, and the seconds between.
_TRIES = 60
_AGAIN_SEC = 1.0
_LONGEST_WAIT_SEC = 30.0
#: Only what is stored is complete.
_ALMOST = 99

#: What the caller is told of a failure without a code of its own.
VIDEO_FAILED = "video_generation_failed"

_MISTAKE = Problem(
    kind=Kind.INTERNAL, message="The gateway made a mistake; its log has the details", code="internal_error"
)

_log = structlog.stdlib.get_logger(__name__)

#: What a model is, and what it needs of an account. Raises `Refusal`.
Find = Callable[[str], tuple[Model, Need]]


class Pictures(Protocol):
    """Keeps the pictures that came with orders until their films are over."""

    async def put(self, film: str, pictures: Sequence[Attachment]) -> None:
        """Keep them. Raises `Refusal` when the disk does not take them."""
        ...

    async def get(self, film: str, count: int) -> tuple[Attachment, ...] | None:
        """All of them, or nothing when one is gone."""
        ...

    async def drop(self, film: str) -> None:
        """Keep them no longer."""
        ...


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """at_once: films that this process works on. patience: seconds that a film waits for an account.

    keep_sec: how long a film is remembered after it is over; 0 = for ever.
    """

    at_once: int = 8
    patience: float = 600.0
    keep_sec: float = 0.0


class Lost(Exception):  # noqa: N818 - not an error: the film is somebody else's, or nobody's any more
    """The film is not ours to work on."""


class Course:
    """One film and what becomes of it.

    keep: writes it, and says whether it is still ours. show: tells its progress. wait: lets time pass.
    """

    def __init__(
        self,
        film: Film,
        filming: Filming,
        find: Find,
        options: Callable[[], Options],
        now: Callable[[], float],
        keep: Callable[[Film], Awaitable[bool]],
        show: Callable[[Film, int], None],
        wait: Callable[[float], Awaitable[None]],
    ) -> None:
        self.film = film
        self._filming = filming
        self._find = find
        self._options = options
        self._now = now
        self._keep = keep
        self._show = show
        self._wait = wait
        self._percent = film.progress
        self._begun = False

    async def run(self, pictures: Pictures) -> None:
        """To the end. Raises `Lost` when the film, or the store, is not there to be written to."""
        try:
            problem = await self._until_served(pictures)
            if problem is not None:
                await self._write(_failed(self.film, problem, self._now()))
            await pictures.drop(self.film.id)
        except StoreError as error:
            _log.warning("a film is left as it is: the store is away", film=self.film.id, reason=str(error))
            raise Lost from None
        except Lost:
            raise
        except Exception:
            _log.exception("bug", film=self.film.id)
            with suppress(StoreError):
                await self._write(_failed(self.film, _MISTAKE, self._now()))

    async def _until_served(self, pictures: Pictures) -> Problem | None:
        until = self._now() + self._options().patience
        while True:
            problem = await self._attempt(pictures)
            if problem is None or problem.kind is not Kind.NO_ACCOUNT or problem.retry_after is None:
                return problem
            if self._begun or self._now() >= until:
                return problem
            await self._wait(min(problem.retry_after, _LONGEST_WAIT_SEC))

    async def _attempt(self, pictures: Pictures) -> Problem | None:
        """Why it came to nothing; `None` when the film is complete, and written so."""
        film = self.film
        if not film.checkpoint.at_rest:
            return interrupted()
        given: tuple[Attachment, ...] | None = ()
        if film.pictures and not film.checkpoint.finished:
            given = await pictures.get(film.id, film.pictures)
        if given is None:
            return interrupted()
        try:
            order = self._order(given)
        except Refusal as refusal:
            return refusal.problem
        report = Report()
        problem = await self._make(order, report)
        _note(film, report, problem)
        return problem

    async def _make(self, order: Order, report: Report) -> Problem | None:
        async with aclosing(self._filming.film(order, self._reached, report)) as steps:
            async for step in steps:
                match step:
                    case Progressed(percent):
                        self._percent = max(self._percent, min(percent, _ALMOST))
                        self._show(self.film, self._percent)
                    case Filmed(file):
                        await self._write(_completed(self.film, file, self._now()))
                    case Failed(problem):
                        return problem
        return None

    def _order(self, pictures: tuple[Attachment, ...]) -> Order:
        film = self.film
        model, need = self._find(film.model)
        request = VideoRequest(
            prompt=film.prompt,
            seconds=film.seconds,
            ratio=video_ratio(film.size),
            resolution=film.resolution,
            preset=film.preset,
        )
        return Order(
            request=request,
            model=model,
            need=need,
            pictures=pictures,
            account=film.account,
            checkpoint=film.checkpoint,
        )

    async def _reached(self, account: str, checkpoint: Checkpoint) -> None:
        self._begun = True
        self.film = msgspec.structs.replace(
            self.film,
            status=Status.IN_PROGRESS,
            account=account,
            checkpoint=checkpoint,
            progress=self._percent,
        )
        await self._write(self.film)

    async def _write(self, film: Film) -> None:
        """Write a step; goes on trying while the store is away. Raises `Lost` and `StoreError`."""
        for tries in range(1, _TRIES + 1):
            try:
                if await self._keep(film):
                    return
                raise Lost
            except StoreError:
                if tries == _TRIES:
                    raise
                await self._wait(_AGAIN_SEC)


def _completed(film: Film, file: str, now: float) -> Film:
    return msgspec.structs.replace(film, status=Status.COMPLETED, progress=100, file=file, completed_at=now)


def _failed(film: Film, problem: Problem, now: float) -> Film:
    return msgspec.structs.replace(
        film,
        status=Status.FAILED,
        error_code=problem.code or VIDEO_FAILED,
        error_message=problem.message,
        completed_at=now,
    )


def _note(film: Film, report: Report, problem: Problem | None) -> None:
    """One line for the log; the prompt is not in it."""
    fields: dict[str, object] = {
        "film": film.id,
        "seconds": film.seconds,
        "attempts": [f"{one.account} {one.mode}: {one.trace}" for one in report.attempts],
    }
    if problem is None:
        _log.info("film made", **fields)
        return
    if problem.evidence:
        fields["evidence"] = problem.evidence[:400].decode("utf-8", "replace")
    _log.warning("film not made", **fields, problem=problem.kind.value, message=problem.message)
