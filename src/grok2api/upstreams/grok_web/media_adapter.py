"""Pictures and films of grok.com: sends what the wires build and yields what they tell.

Four ways of making: a chat that draws (lite), the imagine socket in rounds, an edit, and a film in segments. Times are
limited twice, between two signs of life and altogether. Closing the generator that `make` returns ends the connection.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing
from typing import assert_never

import msgspec

from grok2api.canonical.events import Failed
from grok2api.canonical.media import (
    Checkpoint,
    Completed,
    EditRequest,
    ImageRequest,
    Made,
    MediaFact,
    Reached,
    VideoRequest,
)
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.catalog import MODES
from grok2api.upstreams.base import UNANSWERED, HandshakeRefused, Http, HttpCall, Socket, Sockets, TransportError
from grok2api.upstreams.grok_web import edit_wire, media_post_wire, video_wire
from grok2api.upstreams.grok_web.asking import Pace, beating, refusal, whole
from grok2api.upstreams.grok_web.call import socket_headers
from grok2api.upstreams.grok_web.imagine_wire import Imagine, socket_url
from grok2api.upstreams.grok_web.lite_wire import lite_call
from grok2api.upstreams.grok_web.media_reading import Reading
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.grok_web.users import Users
from grok2api.upstreams.media import FILE_FORGOTTEN, MediaTask
from grok2api.upstreams.refusals import classify

LITE, QUALITY = "lite", "quality"

_EDIT_ATTEMPTS = 2
#: Failures after which the upstream may be at work all the same, although nothing was heard of it.
_PERHAPS_BEGUN = frozenset({Kind.CUT, Kind.TIMEOUT, Kind.UPSTREAM})
#: Failures of a picture, not of the account: what there is, is the answer.
_OF_THE_PICTURE = frozenset({Kind.EMPTY, Kind.REFUSED})

Told = AsyncGenerator[list[MediaFact], None]


class GrokMedia:
    """Makes media at grok.com. `now` tells epoch seconds, `new_id` a new UUID."""

    def __init__(
        self,
        http: Http,
        sockets: Sockets,
        users: Users,
        options: Callable[[], WebOptions],
        now: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._http = http
        self._sockets = sockets
        self._users = users
        self._options = options
        self._now = now
        self._new_id = new_id

    async def make(self, task: MediaTask) -> Told:
        """The facts of one attempt; the last is `Completed` or `Failed`."""
        try:
            async with aclosing(self._way(task, self._options())) as told:
                async for facts in told:
                    if facts:
                        yield facts
        except (Refusal, TransportError) as error:
            yield [Failed(error.problem)]
        except HandshakeRefused as refused:
            yield [Failed(_of_handshake(refused))]

    def _way(self, task: MediaTask, options: WebOptions) -> Told:
        match task.request:
            case ImageRequest() if task.model.upstream_name == LITE:
                return self._lite(task, task.request, options)
            case ImageRequest():
                return self._imagine(task, task.request, options)
            case EditRequest():
                return self._edit(task, task.request, options)
            case VideoRequest():
                return self._film(task, task.request, options)
            case never:
                assert_never(never)

    # --- a chat that draws

    async def _lite(self, task: MediaTask, request: ImageRequest, options: WebOptions) -> Told:
        """One picture, however many are asked for: each is an attempt of its own, with a query of its own."""
        mode = MODES.get(task.model.mode, task.model.mode)
        call = lite_call(request.prompt, mode, task.credential, options, self._new_id())
        reading = Reading(options, "image")
        async with aclosing(self._read(task, call, reading, _picture_pace(options), options)) as told:
            async for facts in told:
                yield facts
        yield [_end(reading.made, reading.withheld, reading.problem, 1)]

    # --- the imagine socket

    async def _imagine(self, task: MediaTask, request: ImageRequest, options: WebOptions) -> Told:
        run = Imagine(request, options, pro=task.model.upstream_name == QUALITY)
        problem = None
        try:
            while run.wants_round:
                async with aclosing(self._connected(task, run, options)) as told:
                    async for facts in told:
                        yield facts
        except (Refusal, TransportError) as error:
            problem = error.problem
        except HandshakeRefused as refused:
            problem = _of_handshake(refused)
        yield run.finish(problem)

    async def _connected(self, task: MediaTask, run: Imagine, options: WebOptions) -> Told:
        """Rounds on one connection, for as long as it lasts."""
        headers = socket_headers(task.credential, options, "")
        async with (
            self._sockets.open(socket_url(options), headers, task.credential.account_id) as socket,
            beating(socket.ping, options.media.ping_sec),
        ):
            lasts = True
            while lasts and run.wants_round:
                asking = run.begin(int(self._now() * 1000), self._new_id())
                hearing = _Hearing(socket, run, asking, options)
                async with aclosing(hearing.told()) as told:
                    async for facts in told:
                        yield facts
                lasts = hearing.lasts

    # --- an edit

    async def _edit(self, task: MediaTask, request: EditRequest, options: WebOptions) -> Told:
        made = withheld = 0
        problem = None
        for call in await self._edit_calls(task, request, options):
            enough = min(request.n - made, edit_wire.RESULTS[options.media.calls])
            span = (100 * made // request.n, 100 * (made + enough) // request.n)
            reading = Reading(options, "image", enough, made, span)
            async with aclosing(self._read(task, call, reading, _picture_pace(options), options)) as told:
                async for facts in told:
                    yield facts
            made, withheld, problem = made + reading.made, withheld + reading.withheld, reading.problem
            if made >= request.n or not reading.made:
                break
        yield [_end(made, withheld, problem, request.n)]

    async def _edit_calls(self, task: MediaTask, request: EditRequest, options: WebOptions) -> Iterator[HttpCall]:
        """The calls that may be made, one after the other, until there are enough pictures."""
        sources, credential = task.references, task.credential
        if options.media.calls == "direct":
            return (
                edit_wire.direct_edit_call(request, sources, credential, options, self._new_id())
                for _ in range(request.n + 1)
            )
        post = await self._post(task, options, "image", prompt=request.prompt)
        return (
            edit_wire.edit_call(request, sources, post, credential, options, self._new_id())
            for _ in range(_EDIT_ATTEMPTS)
        )

    # --- a film

    async def _film(self, task: MediaTask, request: VideoRequest, options: WebOptions) -> Told:
        lengths = video_wire.SEGMENTS[options.media.calls][request.seconds]
        pace = Pace(options.media.video_timeout, options.media.video_silence)
        so_far = task.checkpoint
        if not so_far.at_rest:
            raise Refusal(_interrupted())
        while so_far.finished < len(lengths):
            segment = _Segment(so_far, lengths)
            async with aclosing(self._segment(task, request, segment, pace, options)) as told:
                async for facts in told:
                    yield facts
            if segment.problem is not None:
                yield [Failed(segment.problem)]
                return
            so_far = segment.so_far
        assert so_far.artifact is not None
        yield [Made(so_far.artifact), Completed(1)]

    async def _segment(
        self, task: MediaTask, request: VideoRequest, segment: "_Segment", pace: Pace, options: WebOptions
    ) -> Told:
        call = await self._segment_call(task, request, segment, options)
        yield [segment.begin()]
        reading = Reading(options, "video", span=video_wire.span(segment.so_far.finished, segment.count))
        try:
            async with aclosing(self._read(task, call, reading, pace, options)) as told:
                async for facts in told:
                    yield segment.take(facts)
        except Refusal as refused:
            segment.fail(refused.problem, refused=True)
        except TransportError as error:
            segment.fail(error.problem)
        if reading.problem is not None:
            segment.fail(reading.problem)
        yield [segment.end()]

    async def _segment_call(
        self, task: MediaTask, request: VideoRequest, segment: "_Segment", options: WebOptions
    ) -> HttpCall:
        credential, new_id = task.credential, self._new_id()
        if segment.so_far.finished:
            return video_wire.extension_call(request, segment.length, segment.so_far, credential, options, new_id)
        if options.media.calls == "direct":
            return video_wire.direct_film_call(request, segment.length, task.references, credential, options, new_id)
        if not segment.so_far.post:
            segment.belongs_to(await self._film_post(task, request, options))
        post = segment.so_far.post
        return video_wire.film_call(request, segment.length, task.references, post, credential, options, new_id)

    async def _film_post(self, task: MediaTask, request: VideoRequest, options: WebOptions) -> str:
        """The post that a film belongs to: that of its first picture, or one of words."""
        posts = [await self._post(task, options, "image", media_url=file.url) for file in task.references]
        return posts[0] if posts else await self._post(task, options, "video", prompt=request.prompt)

    # --- what they share

    async def _post(self, task: MediaTask, options: WebOptions, kind: "media_post_wire.Kind", **given: str) -> str:
        call = media_post_wire.create_call(kind, task.credential, options, self._new_id(), **given)
        return media_post_wire.read_post(await whole(self._http, call, options.media.image_timeout))

    async def _read(self, task: MediaTask, call: HttpCall, reading: Reading, pace: Pace, options: WebOptions) -> Told:
        """The facts of one conversation, to its end or until it has made enough."""
        async with AsyncExitStack() as stack:
            answer = await pace.enter(stack, self._http.send(call))
            if answer.status != 200:
                raise Refusal(_of_references(await refusal(answer), task))
            chunks = answer.chunks()
            while not reading.over:
                try:
                    patience = options.soft_stop_grace_sec if reading.lingering else None
                    facts = reading.feed(await pace.wait(anext(chunks), patience))
                except StopAsyncIteration:
                    facts = reading.close()
                except TransportError as error:
                    facts = reading.broken(error.problem)
                yield facts
        if reading.unnamed:
            yield reading.resolve(await self._users.id_of(task.credential, options, self._new_id()))


class _Hearing:
    """One round, asked for and heard. `lasts` says afterwards whether the socket can serve another."""

    def __init__(self, socket: Socket, run: Imagine, asking: Iterable[str], options: WebOptions) -> None:
        self._socket = socket
        self._run = run
        self._asking = asking
        self._options = options.media
        self._pace = _picture_pace(options)
        self.lasts = True

    async def told(self) -> Told:
        """The facts of the round. Once its slots are done the socket has a moment to close, or to begin another."""
        problem, silent = None, False
        async with aclosing(self._socket.messages()) as messages:
            while not self._run.round.over:
                settled = self._run.round.settled
                try:
                    facts = self._run.feed(await self._next(messages, settled=settled))
                except StopAsyncIteration:
                    self.lasts = False
                    break
                except TransportError as error:
                    timed_out = error.problem.kind is Kind.TIMEOUT
                    self.lasts = settled and timed_out
                    if not settled:
                        problem, silent = error.problem, timed_out
                    break
                yield facts
        self._run.end_round(problem, last=silent)

    async def _next(self, messages: AsyncGenerator[str, None], *, settled: bool) -> str:
        asking, self._asking = self._asking, ()
        for text in asking:
            await self._socket.send(text)
        return await self._pace.wait(anext(messages), self._options.goodbye_sec if settled else None)


class _Segment:
    """One segment of a film: where it begins, and what came of it."""

    def __init__(self, so_far: Checkpoint, lengths: tuple[int, ...]) -> None:
        self.so_far = so_far
        self.count = len(lengths)
        self.length = lengths[so_far.finished]
        self.progressed = False
        self.problem: Problem | None = None
        self._begun = True
        self._made: Made | None = None

    def belongs_to(self, post: str) -> None:
        self.so_far = msgspec.structs.replace(self.so_far, post=post)

    def begin(self) -> Reached:
        """To be kept before the call is sent: from now on it may not be repeated."""
        self.so_far = msgspec.structs.replace(self.so_far, started=self.so_far.finished + 1)
        return Reached(self.so_far)

    def take(self, facts: list[MediaFact]) -> list[MediaFact]:
        """The facts to be told: a segment's own result is not the film yet."""
        self.progressed = self.progressed or bool(facts)
        self._made = next((fact for fact in facts if isinstance(fact, Made)), self._made)
        return [fact for fact in facts if not isinstance(fact, Made)]

    def fail(self, problem: Problem, *, refused: bool = False) -> None:
        """It came to nothing. `refused` says that the answer was no from the first word on."""
        self.problem = problem
        perhaps = problem.kind in _PERHAPS_BEGUN or problem.code == UNANSWERED
        self._begun = self.progressed or (perhaps and not refused)

    def end(self) -> Reached:
        """To be kept when it is over: whole, under way for all we know, or as if it had never been asked for."""
        if self._made is not None:
            self.problem = None
            artifact = self._made.artifact
            self.so_far = msgspec.structs.replace(
                self.so_far,
                finished=self.so_far.started,
                seconds=self.so_far.seconds + self.length,
                film=artifact.id,
                post=self.so_far.post or artifact.id,
                artifact=artifact,
            )
        elif not self._begun:
            self.so_far = msgspec.structs.replace(self.so_far, started=self.so_far.finished)
        return Reached(self.so_far)


def _picture_pace(options: WebOptions) -> Pace:
    return Pace(options.media.image_timeout, options.media.image_silence)


def _end(made: int, withheld: int, problem: Problem | None, wanted: int) -> MediaFact:
    """How a run of pictures ends: fewer than wanted are an answer, unless the account is to blame."""
    blamed = problem is not None and problem.kind not in _OF_THE_PICTURE
    if made and (made >= wanted or not blamed):
        return Completed(made, withheld)
    assert problem is not None
    return Failed(problem)


def _of_handshake(refused: HandshakeRefused) -> Problem:
    return classify(refused.status, refused.headers, refused.body, what=WHAT)


def _of_references(problem: Problem, task: MediaTask) -> Problem:
    """A file that the upstream does not know is ours to send again, and nothing that the caller did."""
    if problem.kind is Kind.NOT_FOUND and task.references:
        message = f"{WHAT} does not know a file that was sent to it before"
        return msgspec.structs.replace(problem, kind=Kind.UPSTREAM, message=message, code=FILE_FORGOTTEN)
    return problem


def _interrupted() -> Problem:
    message = f"The film was interrupted while {WHAT} was making it, and cannot be taken up; ask for it anew"
    return Problem(kind=Kind.UPSTREAM, message=message, code="video_interrupted")
