"""`/v1/videos`: films are ordered, looked at, listed, fetched and deleted, as OpenAI's SDKs do it.

An order is answered at once; the film is made by `gateway.films`. Everything here is behind the client keys.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.film import Film, Status
from grok2api.canonical.problem import Kind, Problem, Refusal, invalid
from grok2api.canonical.request import Message, Role
from grok2api.canonical.request import Request as Asked
from grok2api.dialects.multipart import is_form
from grok2api.dialects.openai_media.videos import Order, decode_form, decode_json, deleted, page, video
from grok2api.gateway.exchange import Attacher
from grok2api.gateway.films import Films
from grok2api.media.budget import Budget
from grok2api.media.names import url
from grok2api.web.asgi import Headers, Receive, Scope, Send, answer_whole, ignored
from grok2api.web.auth import presented
from grok2api.web.body import read_body
from grok2api.web.guard import Guard, admit, problem_of
from grok2api.web.links import public_base
from grok2api.web.media_files import StoredFiles
from grok2api.web.options import MODEL_HEADER, State, WebOptions
from grok2api.web.paging import paging, unknown_after
from grok2api.web.problems import DRAINING, render, retry_headers
from grok2api.web.routes import json_answer

_VARIANTS = ("video", "thumbnail")
_LONGEST_KEY = 255
_OFF_LOOP = 256 * 1024


class VideoRoutes:
    """The handlers. `now` tells epoch seconds, `new_id` the id of a new film."""

    def __init__(
        self,
        films: Films,
        files: StoredFiles,
        attacher: Attacher,
        budget: Budget,
        options: Callable[[], WebOptions],
        state: State,
        now: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._films = films
        self._files = files
        self._attacher = attacher
        self._budget = budget
        self._options = options
        self._state = state
        self._now = now
        self._new_id = new_id
        self._guarded = Guard(options, state)

    def table(self) -> list[Route]:
        """Path by path."""
        return [
            Route("/v1/videos", self._guarded(self.create), methods=["POST"]),
            Route("/v1/videos", self._guarded(self.page), methods=["GET"]),
            Route("/v1/videos/{ident}", self._guarded(self.one), methods=["GET"]),
            Route("/v1/videos/{ident}", self._guarded(self.delete), methods=["DELETE"]),
            Route("/v1/videos/{ident}/content", _Content(self._films, self._files, self._options, self._state)),
        ]

    async def create(self, request: Request) -> Response:
        """Take an order."""
        if self._state.draining:
            raise Refusal(DRAINING)
        headers, options = dict(request.headers), self._options()
        with self._budget.share() as share:
            body = await read_body(request.receive, headers, options.max_body, share)
            order = await _decoded(body, headers)
            async with self._attached(order) as pictures:
                film = await self._films.order(await self._film(order, headers), pictures)
        answer = json_answer(self._told(film, request))
        answer.headers[MODEL_HEADER] = self._films.maker(film)
        answer.headers.update(dict(ignored(order.ignored)))
        return answer

    async def page(self, request: Request) -> Response:
        """A page of films."""
        wanted = paging(request.query_params)
        if wanted.after is not None and await self._films.get(wanted.after) is None:
            raise unknown_after("a video")
        found = await self._films.page(wanted.after, wanted.limit + 1, newest_first=wanted.newest_first)
        shown = (self._told(film, request) for film in found[: wanted.limit])
        return json_answer(page(shown, more=len(found) > wanted.limit))

    async def one(self, request: Request) -> Response:
        """A film as it is now."""
        return json_answer(self._told(await _found(self._films, request.path_params["ident"]), request))

    async def delete(self, request: Request) -> Response:
        """Delete a film; one that is being made is given up."""
        ident = request.path_params["ident"]
        if not await self._films.delete(ident):
            raise Refusal(_missing(ident))
        return json_answer(deleted(ident))

    def _told(self, film: Film, request: Request) -> dict[str, object]:
        base = public_base(self._options().app_url, request.scope, dict(request.headers))
        return video(film, None if film.file is None else url(base, "video", film.file))

    async def _film(self, order: Order, headers: Headers) -> Film:
        given = headers.get("idempotency-key", "")
        if len(given) > _LONGEST_KEY:
            raise invalid(f"The Idempotency-Key is longer than {_LONGEST_KEY} characters", "idempotency-key")
        return Film(
            id=self._new_id(),
            created_at=self._now(),
            model=order.model,
            prompt=order.prompt,
            seconds=order.seconds,
            size=order.size,
            resolution=order.resolution,
            preset=order.preset,
            key=_key(presented(headers), given) if given else None,
            body=await asyncio.to_thread(order.digest) if given else "",
        )

    @asynccontextmanager
    async def _attached(self, order: Order) -> AsyncIterator[Sequence[Attachment]]:
        """The pictures, fetched and checked."""
        request = Asked(model=order.model, messages=(Message(Role.USER, order.pictures),))
        async with self._attacher.attached(request) as ready:
            yield [part for part in ready.files() if isinstance(part, Attachment)]


class _Content:
    """`GET /v1/videos/{id}/content`: the film, or a picture of it, with ranges. Plain ASGI."""

    def __init__(self, films: Films, files: StoredFiles, options: Callable[[], WebOptions], state: State) -> None:
        self._films = films
        self._files = files
        self._options = options
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        self._state.enter()
        try:
            await self._serve(request, scope, receive, send)
        except Exception as error:
            request_id = scope.get("grok2api.request_id", "")
            problem = problem_of(error, request_id)
            status, body = render(problem, scope["path"], dict(request.headers), request_id)
            await answer_whole(send, status, body, retry_headers(status, problem))
        finally:
            self._state.leave()

    async def _serve(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        admit(dict(request.headers), self._options())
        if scope["method"] not in ("GET", "HEAD"):
            message = "The content of a video takes GET and HEAD"
            allow = ("GET", "HEAD")
            raise Refusal(Problem(kind=Kind.METHOD, message=message, code="method_not_allowed", allow=allow))
        variant = request.query_params.get("variant") or "video"
        if variant not in _VARIANTS:
            raise invalid(f"variant must be one of {', '.join(_VARIANTS)}", "variant")
        film = await _found(self._films, scope["path_params"]["ident"])
        if film.status is not Status.COMPLETED or film.file is None:
            raise Refusal(_not_ready(film))
        await self._files.give("video", film.file, scope, receive, send, small=variant == "thumbnail")


async def _found(films: Films, ident: str) -> Film:
    film = await films.get(ident)
    if film is None:
        raise Refusal(_missing(ident))
    return film


def _missing(ident: str) -> Problem:
    message = f"There is no video {ident[:80]!r} here, or no longer"
    return Problem(kind=Kind.NOT_FOUND, message=message, code="video_not_found", param="id")


def _not_ready(film: Film) -> Problem:
    if film.status is Status.FAILED:
        message = f"The video has failed and has no content: {film.error_message}"
    else:
        message = f"The video is {film.status.value.replace('_', ' ')}; its content can be fetched once it is completed"
    return Problem(kind=Kind.CONFLICT, message=message, code="video_not_ready", param="id")


async def _decoded(body: bytes, headers: Headers) -> Order:
    content_type = headers.get("content-type", "")
    decode = partial(decode_form, body, content_type) if is_form(content_type) else partial(decode_json, body)
    return await asyncio.to_thread(decode) if len(body) > _OFF_LOOP else decode()


def _key(client: str, given: str) -> str:
    """One client's key says nothing of another's."""
    return hashlib.sha256(f"{len(client)}:{client}{given}".encode("utf-8", "surrogateescape")).hexdigest()
