"""grok.com as an upstream: sends what the wires build and yields what they tell.

The only file here that awaits anything but the user lookup. It reads the options once for each attempt, reads the
body of every refusal before it is judged, and stops listening a bounded time after an answer has ended softly.
Closing the generator that `converse` returns closes the connection.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

from grok2api.canonical.events import Fact, Failed
from grok2api.canonical.problem import Kind, Refusal
from grok2api.canonical.request import Request
from grok2api.catalog import MODES, Model
from grok2api.upstreams.base import (
    HandshakeRefused,
    Http,
    HttpAnswer,
    Plan,
    Socket,
    Sockets,
    Task,
    TransportError,
)
from grok2api.upstreams.grok_web import gateway_ws_wire as gateway
from grok2api.upstreams.grok_web.asking import beating, refusal
from grok2api.upstreams.grok_web.call import chat_call, socket_headers
from grok2api.upstreams.grok_web.chat_wire import Parser
from grok2api.upstreams.grok_web.flatten import flatten
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.plan import plan
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.grok_web.uploads import Uploads
from grok2api.upstreams.grok_web.users import Users
from grok2api.upstreams.refusals import classify

_LAST_READ_SEC = 0.005

#: One way to talk: the work, the options, and the ids of the account's attachments.
Talk = Callable[[Task, WebOptions, Sequence[str]], AsyncGenerator[list[Fact], None]]


class GrokWeb:
    """The grok.com chat, over REST or over the newer WebSocket. `now` tells epoch seconds, `new_id` a new UUID.

    Without `uploads` it takes words only.
    """

    name = "grok_web"

    def __init__(
        self,
        http: Http,
        sockets: Sockets,
        options: Callable[[], WebOptions],
        users: Users,
        now: Callable[[], float],
        new_id: Callable[[], str],
        uploads: Uploads | None = None,
    ) -> None:
        self._uploads = uploads
        self._http = http
        self._sockets = sockets
        self._options = options
        self._now = now
        self._new_id = new_id
        self._users = users

    def plan(self, request: Request, model: Model) -> Plan:
        """How this request will be served. Raises `Refusal` for what cannot be."""
        return plan(request, takes_files=self._uploads is not None)

    async def converse(self, task: Task) -> AsyncGenerator[list[Fact], None]:
        """The facts of one attempt; the last is `Ended` or `Failed`."""
        options = self._options()
        talk = self._over_socket if options.transport == "ws" else self._over_http
        files, uploads = task.request.attachments(), self._uploads
        source = talk(task, options, ()) if not files or uploads is None else _with_files(talk, task, options, uploads)
        try:
            async with aclosing(source) as told:
                async for facts in told:
                    yield facts
        except (Refusal, TransportError) as error:
            yield [Failed(error.problem)]
        except HandshakeRefused as refused:
            yield [Failed(classify(refused.status, refused.headers, refused.body, what=WHAT))]

    async def _over_http(
        self, task: Task, options: WebOptions, files: Sequence[str]
    ) -> AsyncGenerator[list[Fact], None]:
        message = flatten(task.request.messages)
        call = chat_call(message, _mode(task), task.credential, options, self._new_id(), files)
        async with self._http.send(call) as answer:
            if answer.status != 200:
                yield [Failed(await refusal(answer))]
                return
            async with aclosing(_listen(answer, options)) as told:
                async for facts in told:
                    yield facts

    async def _over_socket(
        self, task: Task, options: WebOptions, files: Sequence[str]
    ) -> AsyncGenerator[list[Fact], None]:
        message = flatten(task.request.messages)
        user_id = await self._users.id_of(task.credential, options, self._new_id())
        headers = socket_headers(task.credential, options, user_id)
        url, account = gateway.socket_url(options, user_id), task.credential.account_id
        async with (
            self._sockets.open(url, headers, account) as socket,
            beating(lambda: socket.send(gateway.ping(self._now_ms())), options.ping_sec),
        ):
            await socket.send(gateway.session_create(_mode(task), options))
            async with aclosing(self._talk(socket, message, options, files)) as told:
                async for facts in told:
                    yield facts

    async def _talk(
        self, socket: Socket, message: str, options: WebOptions, files: Sequence[str]
    ) -> AsyncGenerator[list[Fact], None]:
        parser = gateway.GatewayParser(options)
        asked = False
        try:
            async for text in socket.messages():
                facts = parser.feed(text)
                if facts:
                    yield facts
                if parser.over:
                    return
                if parser.session_id and not asked:
                    asked = True
                    session, ident = parser.session_id, self._new_id()
                    for question in gateway.ask(session, message, ident, self._now_ms(), options, files):
                        await socket.send(question)
        except TransportError as error:
            yield parser.broken(error.problem)
            return
        yield parser.close()

    def _now_ms(self) -> int:
        return int(self._now() * 1000)


async def _to_the_end(chunks: AsyncIterator[bytes]) -> None:
    """Read the end of the body, which comes just behind the last frame, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_LAST_READ_SEC):
            async for _ in chunks:
                pass
    except (TimeoutError, TransportError):
        return


async def _with_files(
    talk: Talk, task: Task, options: WebOptions, uploads: Uploads
) -> AsyncGenerator[list[Fact], None]:
    """The facts, with the request's files in the account's care before. A forgotten one is uploaded once more."""
    files = task.request.attachments()
    remembered = uploads.knows_any(files, task.credential)
    while True:
        ids = [file.id for file in await uploads.references(files, task.credential)]
        yield []
        async with aclosing(talk(task, options, ids)) as told:
            async for facts in told:
                if remembered and _misses_something(facts):
                    break
                remembered = False
                yield facts
            else:
                return
        remembered = False
        uploads.forget(files, task.credential)


def _misses_something(facts: list[Fact]) -> bool:
    """Whether the answer is a refusal that an attachment which the upstream has forgotten would explain."""
    first = facts[0] if facts else None
    return isinstance(first, Failed) and first.problem.kind in (Kind.NOT_FOUND, Kind.UPSTREAM_INVALID)


def _mode(task: Task) -> str:
    return MODES.get(task.mode, task.mode)


async def _listen(answer: HttpAnswer, options: WebOptions) -> AsyncGenerator[list[Fact], None]:
    """The facts of a body; it ends with the answer, not with the body."""
    parser = Parser(options)
    chunks = answer.chunks()
    try:
        async for data in chunks:
            facts = parser.feed(data)
            if parser.over:
                await _to_the_end(chunks)
            if facts:
                yield facts
            if parser.over:
                return
            if parser.stopping:
                break
    except TransportError as error:
        yield parser.broken(error.problem)
        return
    yield await _last(parser, chunks, options.soft_stop_grace_sec)


async def _last(parser: Parser, chunks: AsyncIterator[bytes], grace: float) -> list[Fact]:
    """What still comes after a soft end, for at most `grace` seconds; or only the end, when all has been read."""
    facts: list[Fact] = []
    try:
        async with asyncio.timeout(grace if parser.stopping else None):
            async for data in chunks:
                facts += parser.feed(data)
                if parser.over:
                    await _to_the_end(chunks)
                    return facts
    except (TimeoutError, TransportError):
        pass  # the answer itself was complete before
    return facts + parser.close()
