"""The hot routes: one request of a dialect in, one answer out, streamed or whole.

Plain ASGI. Everything that can fail before the first byte becomes an HTTP status in the dialect's own
envelope; what fails after it becomes the dialect's error frame, and the connection closes.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial

import msgspec

from grok2api.canonical.events import Failed, Produced
from grok2api.canonical.problem import Problem, Refusal
from grok2api.canonical.sequence import Answer, Fold
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.base import Dialect, Envelope
from grok2api.dialects.streaming import wants_stream
from grok2api.gateway.background_run import Run
from grok2api.gateway.exchange import Exchange, Gateway
from grok2api.gateway.recalling import Turn
from grok2api.gateway.respond import Batch
from grok2api.media.budget import Budget, Share
from grok2api.storage.errors import StoreError
from grok2api.web.asgi import Gone, Headers, Receive, Scope, Send, answer_whole, headers_of, ignored
from grok2api.web.auth import authenticate
from grok2api.web.background import BackgroundAnswers, pour
from grok2api.web.body import read_body
from grok2api.web.journal import Entry, Journal
from grok2api.web.links import public_base
from grok2api.web.once import Once, digest_of
from grok2api.web.options import MODEL_HEADER, State, WebOptions
from grok2api.web.problems import DRAINING, INTERNAL, STORE_AWAY, retry_headers, speaks_anthropic, wrong_method
from grok2api.web.stored import Keeping, StoredAnswers
from grok2api.web.stream import Line, only_left


class AnswerRoute:
    """One dialect's endpoint."""

    def __init__(
        self,
        dialect: Dialect,
        gateway: Gateway,
        options: Callable[[], WebOptions],
        state: State,
        journal: Journal,
        new_id: Callable[[str], str],
        budget: Budget,
        once: Once | None = None,
        stored: StoredAnswers | None = None,
        background: BackgroundAnswers | None = None,
    ) -> None:
        self._dialect = dialect
        self._gateway = gateway
        self._options = options
        self._state = state
        self._journal = journal
        self._new_id = new_id
        self._budget = budget
        self._once = once
        self._stored = stored
        self._background = background

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry = Entry(request_id=self._new_id("req_"), dialect=self._dialect.name, started=time.monotonic())
        self._state.enter()
        try:
            with self._budget.share() as share:
                await self._serve(scope, receive, send, entry, share)
        except asyncio.CancelledError:
            if not only_left(entry.gone):
                raise
        except Gone:
            entry.gone = "the client left before its request was whole"
        finally:
            self._state.leave()
            self._journal.note(entry)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, entry: Entry, share: Share) -> None:
        headers = headers_of(scope)
        options = self._options()
        try:
            exchange, turn = await self._take(scope, receive, headers, options, entry, share)
        except Refusal as refusal:
            await self._refuse(scope, send, refusal.problem, entry)
            return
        request = exchange.request
        entry.exchange = exchange
        envelope = Envelope(
            model=request.model,
            created=int(time.time()),
            now=time.time,
            new_id=self._new_id,
            request_id=entry.request_id,
        )
        keeping = self._stored.keeping(turn, exchange, envelope.created) if self._stored is not None else None
        if keeping is not None:
            envelope = msgspec.structs.replace(envelope, settle=keeping.settle)
        line = Line(receive, send, options.timing, self._dialect.keepalive, self._answer_headers(exchange, entry))
        streams = wants_stream(request.stream, headers, options.stream_by_default)
        try:
            async with line:
                if request.background and self._background is not None:
                    begin = partial(self._background.begin, exchange, turn.note, envelope, entry, share)
                    await self._apart(begin, line if streams else None, exchange, entry, scope, send)
                elif streams:
                    await self._stream(scope, line, exchange, envelope, entry, send, keeping)
                else:
                    await self._whole(scope, send, exchange, envelope, entry, keeping)
        finally:
            entry.gone = line.gone

    async def _take(
        self, scope: Scope, receive: Receive, headers: Headers, options: WebOptions, entry: Entry, share: Share
    ) -> tuple[Exchange, Turn]:
        """Everything before an account is touched."""
        if self._state.draining:
            raise Refusal(DRAINING)
        if scope["method"] != "POST":
            raise Refusal(wrong_method(headers))
        denied = authenticate(headers, options.keys)
        if denied is not None:
            raise Refusal(denied)
        body = await read_body(receive, headers, options.max_body, share)
        try:
            turn = await self._decoded(body, headers, options, share)
            base = public_base(options.app_url, scope, headers)
            instead = headers.get(MODEL_HEADER, "")
            estimate, request = self._dialect.estimates_input, turn.request
            return self._gateway.prepare(request, entry.request_id, estimate=estimate, base=base, instead=instead), turn
        except Refusal:
            raise
        except StoreError:
            raise Refusal(STORE_AWAY) from None
        except Exception:
            self._journal.bug(entry)
            raise Refusal(INTERNAL) from None

    async def _decoded(self, body: bytes, headers: Headers, options: WebOptions, share: Share) -> Turn:
        if self._stored is None:
            return Turn(self._dialect.decode(body, headers), None)
        return await self._stored.read(body, headers, options, share)

    async def _apart(
        self,
        begin: Callable[[], Awaitable[Run]],
        line: Line | None,
        exchange: Exchange,
        entry: Entry,
        scope: Scope,
        send: Send,
    ) -> None:
        """An answer that is made whoever waits for it: its stream for who listens, or how it begins."""
        headers = self._answer_headers(exchange, entry)
        entry.exchange = None  # the log tells of the answer when that is over
        try:
            run = await begin()
        except Refusal as refusal:
            await self._refuse(scope, send, refusal.problem, entry)
            return
        except Exception:
            self._journal.bug(entry)
            await self._refuse(scope, send, INTERNAL, entry)
            return
        entry.status = 200
        if line is not None:
            await pour(line, run.listen())
        else:
            await answer_whole(send, 200, run.first, headers)

    async def _stream(
        self,
        scope: Scope,
        line: Line,
        exchange: Exchange,
        envelope: Envelope,
        entry: Entry,
        send: Send,
        keeping: Keeping | None,
    ) -> None:
        encoder = self._dialect.encoder(exchange.request, envelope)
        failed: Problem | None = None
        line.will_stream()
        try:
            async with aclosing(self._answers(scope, exchange)) as answers:
                async for choice, events in answers:
                    last = events[-1]
                    if isinstance(last, Failed):
                        failed = last.problem
                        if len(events) == 1 and not line.opened and not entry.status:
                            break
                    if not line.opened:
                        entry.status = 200
                        await line.open()
                    data = encoder.feed(events, choice)
                    if keeping is not None and keeping.kept is not None:
                        await keeping.written()
                    await line.write(data)
        except Exception:
            self._journal.bug(entry)
            failed = INTERNAL
            if line.opened:
                await line.write(encoder.feed([Failed(failed)], 0))
        entry.problem = failed
        if failed is not None and not line.opened:
            await self._refuse(scope, send, failed, entry)
            return
        entry.status = 200
        if failed is not None:
            _close_after(scope)
        await line.finish()

    async def _whole(
        self,
        scope: Scope,
        send: Send,
        exchange: Exchange,
        envelope: Envelope,
        entry: Entry,
        keeping: Keeping | None,
    ) -> None:
        try:
            answers = await self._fold(scope, exchange)
            body = self._dialect.whole(exchange.request, answers, envelope)
            if keeping is not None:
                await keeping.written()
        except Refusal as refusal:
            await self._refuse(scope, send, refusal.problem, entry)
            return
        except Exception:
            self._journal.bug(entry)
            await self._refuse(scope, send, INTERNAL, entry)
            return
        entry.status = 200
        await answer_whole(send, 200, body, [*self._answer_headers(exchange, entry), *_pictures(answers)])

    def _answers(self, scope: Scope, exchange: Exchange) -> AsyncGenerator[Batch, None]:
        """The events of the answer; where that was asked for by key, made once for all who ask the same."""
        if self._once is None:
            return self._gateway.answer(exchange)
        headers = headers_of(scope)
        key = headers.get("idempotency-key", "")
        if not key:
            return self._gateway.answer(exchange)
        caller = headers.get("authorization", "") or headers.get("x-api-key", "")
        digest = digest_of(exchange.request, headers.get(MODEL_HEADER, ""))
        return self._once.join((scope["path"], caller, key), digest, lambda: self._gateway.answer(exchange))

    async def _fold(self, scope: Scope, exchange: Exchange) -> Sequence[Answer]:
        folds = [Fold() for _ in range(max(1, exchange.request.n))]
        async with aclosing(self._answers(scope, exchange)) as answers:
            async for choice, events in answers:
                last = events[-1]
                if isinstance(last, Failed):
                    raise Refusal(last.problem)
                folds[choice].feed(events)
        return [fold.answer() for fold in folds]

    async def _refuse(self, scope: Scope, send: Send, problem: Problem, entry: Entry) -> None:
        entry.problem = problem
        speaks = MESSAGES if speaks_anthropic(scope["path"], headers_of(scope)) else self._dialect
        status, body = speaks.problem(problem, entry.request_id)
        entry.status = status
        await answer_whole(send, status, body, [*retry_headers(status, problem), *_ids(entry)])

    def _answer_headers(self, exchange: Exchange, entry: Entry) -> list[tuple[str, str]]:
        headers = _ids(entry)
        headers.append((MODEL_HEADER, exchange.model.name))
        headers.extend(ignored(exchange.plan.ignored))
        return headers


def _pictures(answers: Sequence[Answer]) -> list[tuple[str, str]]:
    """How many pictures and films an answer holds, when it holds any: perhaps fewer than were asked for."""
    made = sum(isinstance(item, Produced) for answer in answers for item in answer.order)
    return [("x-grok2api-images", str(made))] if made else []


def _ids(entry: Entry) -> list[tuple[str, str]]:
    """The request's id under both names that SDKs read."""
    return [("x-request-id", entry.request_id), ("request-id", entry.request_id)]


def _close_after(scope: Scope) -> None:
    """Have the server close the connection after this answer (S4); a server that cannot goes on as usual."""
    close = scope.get("extensions", {}).get("grok2api.close")
    if close is not None:
        close()
