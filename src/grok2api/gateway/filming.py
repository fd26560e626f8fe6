"""The attempts of one film: from words and pictures to a file in the media cache.

Another account is tried only while nothing of the film was begun anywhere. From the first call on the film is one
account's, which makes every segment under one lease; each checkpoint is kept before the upstream is asked for more, so
that whoever comes later knows whether he may go on. The result is fetched with the same account: a film that cannot be
fetched, or is no film, has failed (I3).
"""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

import msgspec

from grok2api.accounts.leases import Lease, Need, Pool
from grok2api.canonical.attachment import Attachment
from grok2api.canonical.events import Failed, Progressed
from grok2api.canonical.media import BEGINNING, Artifact, Checkpoint, Completed, Made, MediaFact, Reached, VideoRequest
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.catalog import Model
from grok2api.gateway.policy import Policy
from grok2api.gateway.turns import Attempt, Report, turns
from grok2api.gateway.watch import Watch
from grok2api.upstreams.base import Credential, TransportError
from grok2api.upstreams.media import FileRef, Files, Maker, MediaTask

_FETCHES = 3
_BROKE_OFF = Problem(kind=Kind.CUT, message="Grok's film broke off", code="stream_cut")
INTERRUPTED = "interrupted"
#: What an upstream says of a file that was sent to it before.
UNKNOWN_FILE = "upstream_file_not_found"
#: The name of this upstream where calls are held back and ways out are watched.
UPSTREAM = "grok.com"


class Uploads(Protocol):
    """Sends files to accounts, each once. Raises `Refusal` and `TransportError`."""

    async def references(
        self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False
    ) -> list[FileRef]:
        """References to these files for this account."""
        ...

    def forget(self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False) -> None:
        """The account's references to these files are of no use."""
        ...


class Cache(Protocol):
    """Keeps films by the ids of their files. Raises `Refusal` for what is none."""

    async def keep_film(self, chunks: AsyncIterable[bytes]) -> str:
        """Keep what comes in `chunks`; the id of the file."""
        ...

    async def keep_poster(self, film: str, picture: bytes) -> None:
        """Keep a picture of the film beside it."""
        ...


#: Keeps how far a film has come, with the account whose it is. Raises what ends the work on it.
Keep = Callable[[str, Checkpoint], Awaitable[None]]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made, of which pictures, and how far it has come with which account."""

    request: VideoRequest
    model: Model
    need: Need
    pictures: tuple[Attachment, ...] = ()
    account: str | None = None
    checkpoint: Checkpoint = BEGINNING


class Filmed(msgspec.Struct, frozen=True):
    """The film is in the media cache under this id."""

    file: str


#: `Filmed` or `Failed` is the last.
Step = Progressed | Filmed | Failed


class Crew(msgspec.Struct, frozen=True):
    """Who makes films, keeps files for accounts, sends them there, and keeps what was made."""

    maker: Maker
    files: Files
    uploads: Uploads
    cache: Cache


class Filming:
    """Makes films with the accounts of the pool."""

    def __init__(self, pool: Pool, crew: Crew, policy: Callable[[], Policy], watch: Watch) -> None:
        self.pool = pool
        self._crew = crew
        self._policy = policy
        self._watch = watch

    async def film(self, order: Order, keep: Keep, report: Report) -> AsyncGenerator[Step, None]:
        """How the film comes along; the last step is `Filmed` or `Failed`. Closing it ends the connection."""
        if not order.checkpoint.at_rest:
            yield Failed(interrupted())
            return
        run = _Run(order, self._crew, keep, self._watch, report)
        try:
            async with aclosing(turns(run, _need(order), self.pool, self._policy(), self._watch, report)) as leases:
                async for lease in leases:
                    async with aclosing(run.attempt(lease)) as steps:
                        async for step in steps:
                            yield step
        except Refusal as refusal:
            yield Failed(refusal.problem)
        else:
            yield Filmed(run.file)


def interrupted() -> Problem:
    """The problem of a film that was under way when its process ended."""
    message = (
        "The film was interrupted while Grok was making it, and asking again would make a second one; order it anew"
    )
    return Problem(kind=Kind.UPSTREAM, message=message, code=INTERRUPTED)


def _need(order: Order) -> Need:
    """What is begun belongs to its account: posts, segments and the file."""
    begun = order.account is not None and order.checkpoint.finished > 0
    return msgspec.structs.replace(order.need, only=order.account) if begun else order.need


class _Run:
    """The attempts of one film. Afterwards: `file`, or `problem`.

    seen: whether the upstream has made, or may be making, anything of the film.
    """

    def __init__(self, order: Order, crew: Crew, keep: Keep, watch: Watch, report: Report) -> None:
        self._order = order
        self._crew = crew
        self._keep = keep
        self._watch = watch
        self._report = report
        self._so_far = order.checkpoint
        self._artifact: Artifact | None = None
        self._account = ""
        self.file = ""
        self.problem: Problem | None = None
        self.seen = order.checkpoint.started > 0

    def asks_again(self) -> bool:
        """Nobody can tell in other words what to film."""
        return False

    async def attempt(self, lease: Lease) -> AsyncGenerator[Progressed, None]:
        """The film's progress, with one account; leaves `problem` and the lease's outcome."""
        self._account = lease.credential.account_id
        self._so_far, self.problem = self._order.checkpoint, _BROKE_OFF
        report = Attempt(account=self._account, mode=lease.mode, trace=lease.trace)
        self._report.attempts.append(report)
        try:
            async with aclosing(self._make(lease.credential)) as steps:
                async for step in steps:
                    yield step
        except (Refusal, TransportError) as error:
            self.problem = error.problem
        if self._artifact is not None:
            lease.succeeded()
            self._watch.answered(lease.mode, UPSTREAM, self._account, None)
            await self._fetch(lease.credential, self._artifact)
        elif self.problem is not None:
            lease.failed(self.problem)
            self._watch.answered(lease.mode, UPSTREAM, self._account, self.problem)
            if self.problem.code == UNKNOWN_FILE:
                self._crew.uploads.forget(self._order.pictures, lease.credential, imagine=True)
        report.problem = self.problem

    async def _make(self, credential: Credential) -> AsyncGenerator[Progressed, None]:
        task = MediaTask(
            request=self._order.request,
            model=self._order.model,
            credential=credential,
            references=await self._references(credential),
            checkpoint=self._so_far,
        )
        async with aclosing(self._crew.maker.make(task)) as told:
            async for facts in told:
                progress = await self._take(facts)
                if progress is not None:
                    yield progress

    async def _take(self, facts: list[MediaFact]) -> Progressed | None:
        """What these facts say; checkpoints are kept before this returns."""
        progress = None
        for fact in facts:
            match fact:
                case Progressed():
                    progress = fact
                case Reached(checkpoint):
                    self._so_far, self.seen = checkpoint, checkpoint.started > 0
                    await self._keep(self._account, checkpoint)
                case Made(artifact):
                    self._artifact = artifact
                case Failed(problem):
                    self.problem = problem
                case Completed():
                    pass
                case _:
                    pass
        return progress

    async def _references(self, credential: Credential) -> tuple[FileRef, ...]:
        """The pictures, sent to this account; what is finished already refers to none."""
        if self._so_far.finished:
            return ()
        return tuple(await self._crew.uploads.references(self._order.pictures, credential, imagine=True))

    async def _fetch(self, credential: Credential, artifact: Artifact) -> None:
        """Keep the file. A way that breaks is gone again: the film is there."""
        for _ in range(_FETCHES):
            try:
                async with self._crew.files.download(credential, artifact) as download:
                    film = await self._crew.cache.keep_film(download.chunks())
            except Refusal as refusal:
                self.problem = refusal.problem
                return
            except TransportError as error:
                self.problem = error.problem
            else:
                self.file, self.problem = film, None
                await self._fetch_poster(credential, artifact, film)
                return

    async def _fetch_poster(self, credential: Credential, artifact: Artifact, film: str) -> None:
        """A film without its picture is a film all the same."""
        if not artifact.poster:
            return
        poster = Artifact(kind="image", id=artifact.id, url=artifact.poster, bound=artifact.bound)
        try:
            async with self._crew.files.download(credential, poster) as download:
                picture = b"".join([chunk async for chunk in download.chunks()])
            await self._crew.cache.keep_poster(film, picture)
        except (Refusal, TransportError):
            return
