"""Files of a conversation on grok.com: uploaded once for each account, remembered, and again when that is of no use."""

import asyncio
import json
from contextlib import aclosing

import pytest

from fake_http import FakeAnswer, FakeHttp, FakeSocket, FakeSockets
from files import attachment, png
from grok2api.canonical.attachment import Attachment
from grok2api.canonical.events import Ended, Fact, Failed
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import Message, Request, Role, Text
from grok2api.catalog import BY_NAME
from grok2api.upstreams.base import Credential, Task, TransportError
from grok2api.upstreams.grok_web.adapter import GrokWeb
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.uploads import Uploads
from grok2api.upstreams.grok_web.users import Users
from grok2api.upstreams.media import FileRef

ONE, TWO = attachment(png(1, 1)), attachment(png(2, 2))
ANNA, BOB = Credential("anna", "tok.a"), Credential("bob", "tok.b")
SOFT = b'{"result":{"response":{"token":"Hi","isSoftStop":true}}}\n'
SESSION = b'{"status":"authenticated","session":{"userId":"u-1"},"user":{"id":"u-1"}}'
FORGOTTEN = b'{"code":5,"message":"An attached file was not found.","details":[]}'


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeUploader:
    """Gives ids out in order; a failure in the script is raised instead."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.uploaded: list[tuple[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def upload(self, credential: Credential, file: Attachment, *, imagine: bool = False) -> FileRef:
        self.uploaded.append((credential.account_id, file.digest))
        ident = f"f-{len(self.uploaded)}"
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return FileRef(ident)


async def test_a_content_is_uploaded_once_for_each_account() -> None:
    uploader = FakeUploader()
    uploads = Uploads(uploader, Clock())
    assert await ids(uploads, [ONE, TWO], ANNA) == ["f-1", "f-2"]
    assert await ids(uploads, [TWO, ONE], ANNA) == ["f-2", "f-1"]
    assert len(uploader.uploaded) == 2
    await ids(uploads, [ONE], BOB)
    assert uploader.uploaded[2:] == [("bob", ONE.digest)]
    assert uploads.knows_any([ONE], BOB)
    assert not uploads.knows_any([TWO], BOB)


async def test_ids_are_forgotten_after_half_an_hour_or_on_demand() -> None:
    clock, uploader = Clock(), FakeUploader()
    uploads = Uploads(uploader, clock)
    first = await ids(uploads, [ONE], ANNA)
    clock.now += 1799
    assert await ids(uploads, [ONE], ANNA) == first
    clock.now += 2
    assert not uploads.knows_any([ONE], ANNA)
    second = await ids(uploads, [ONE], ANNA)
    uploads.forget([ONE, TWO], ANNA)
    assert len({*first, *second, *await ids(uploads, [ONE], ANNA)}) == 3


async def test_the_memory_is_bounded() -> None:
    uploads = Uploads(FakeUploader(), Clock())
    for number in range(20_010):
        uploads._remember(("anna", str(number), False), FileRef("id"))
    assert len(uploads._known) == 20_000
    assert ("anna", "9", False) not in uploads._known


async def test_who_comes_second_waits_for_the_first_and_takes_its_id() -> None:
    uploader = FakeUploader()
    uploader.gate.clear()
    uploads = Uploads(uploader, Clock())
    both = [asyncio.ensure_future(ids(uploads, [ONE], ANNA)) for _ in range(3)]
    while not uploader.uploaded:
        await asyncio.sleep(0)
    both[0].cancel()
    uploader.gate.set()
    assert await both[1] == await both[2] == ["f-2"]
    assert len(uploader.uploaded) == 2, "the first has left; the second uploaded for itself and the third"
    assert uploads._under_way == {}


async def ids(uploads: Uploads, files: list[Attachment], credential: Credential) -> list[str]:
    return [file.id for file in await uploads.references(files, credential)]


async def test_what_is_drawn_from_is_uploaded_apart_from_what_is_talked_of() -> None:
    uploader = FakeUploader()
    uploads = Uploads(uploader, Clock())
    (first,) = await uploads.references([ONE], ANNA)
    (second,) = await uploads.references([ONE], ANNA, imagine=True)
    assert first != second
    uploads.forget([ONE], ANNA)
    assert uploads.knows_any([ONE], ANNA, imagine=True)


def task(credential: Credential = ANNA) -> Task:
    message = Message(Role.USER, (Text("Look"), ONE, ONE, TWO), "messages.0")
    request = Request(model="grok-4.3-beta", messages=(message,))
    return Task(request=request, model=BY_NAME["grok-4.3-beta"], mode="grok43", credential=credential, request_id="r-1")


def grok(http: FakeHttp, uploader: FakeUploader, sockets: FakeSockets | None = None, **options: object) -> GrokWeb:
    chosen = WebOptions(**options)  # type: ignore[arg-type]
    uploads = Uploads(uploader, Clock())
    return GrokWeb(http, sockets or FakeSockets(), lambda: chosen, Users(http), Clock(), lambda: "id-1", uploads)


async def told(upstream: GrokWeb, work: Task) -> list[list[Fact]]:
    async with aclosing(upstream.converse(work)) as batches:
        return [batch async for batch in batches]


def sent(http: FakeHttp) -> list[list[str]]:
    return [json.loads(call.body)["fileAttachments"] for call in http.calls]  # type: ignore[arg-type]


async def test_files_go_up_before_the_question_and_their_ids_go_with_it() -> None:
    http, uploader = FakeHttp(FakeAnswer(pieces=[SOFT])), FakeUploader()
    batches = await told(grok(http, uploader), task())
    assert batches[0] == [], "what says that the upstream is asked only now"
    assert isinstance(batches[-1][-1], Ended)
    assert sorted(digest for _, digest in uploader.uploaded) == sorted([ONE.digest, TWO.digest])
    assert [len(ids) for ids in sent(http)] == [2]
    body = json.loads(http.calls[0].body)  # type: ignore[arg-type]
    assert body["message"] == "[user]: Look" + "\n\n[user]: (attached: image-1.png)" * 3


async def test_another_account_uploads_again_and_the_same_one_does_not() -> None:
    http, uploader = FakeHttp(*(FakeAnswer(pieces=[SOFT]) for _ in range(3))), FakeUploader()
    upstream = grok(http, uploader)
    for credential in (ANNA, BOB, ANNA):
        await told(upstream, task(credential))
    assert [account for account, _ in uploader.uploaded] == ["anna", "anna", "bob", "bob"]
    first, second, third = sent(http)
    assert first == third
    assert not set(first) & set(second)


async def test_an_id_that_the_upstream_has_forgotten_is_made_anew_once() -> None:
    gone = [FakeAnswer(404, [FORGOTTEN]) for _ in range(2)]
    http, uploader = FakeHttp(FakeAnswer(pieces=[SOFT]), gone[0], FakeAnswer(pieces=[SOFT])), FakeUploader()
    upstream = grok(http, uploader)
    await told(upstream, task())
    batches = await told(upstream, task())
    assert isinstance(batches[-1][-1], Ended)
    assert len(uploader.uploaded) == 4
    assert len(set(map(tuple, sent(http)))) == 2
    assert gone[0].closed
    http.script = [gone[1], FakeAnswer(404, [FORGOTTEN])]
    batches = await told(upstream, task())
    assert isinstance(batches[-1][-1], Failed)
    assert batches[-1][-1].problem.kind is Kind.NOT_FOUND


async def test_a_fresh_upload_that_is_not_found_is_a_plain_failure() -> None:
    http, uploader = FakeHttp(FakeAnswer(404, [FORGOTTEN])), FakeUploader()
    batches = await told(grok(http, uploader), task())
    assert isinstance(batches[-1][-1], Failed)
    assert len(http.calls) == 1


@pytest.mark.parametrize(
    "failure",
    [
        Refusal(Problem(kind=Kind.RATE_LIMITED, message="limited")),
        TransportError(Problem(kind=Kind.UNREACHABLE, message="no way")),
    ],
)
async def test_an_upload_that_fails_fails_the_attempt_as_itself(failure: Refusal | TransportError) -> None:
    http = FakeHttp()
    (batch,) = await told(grok(http, FakeUploader(failure)), task())
    assert batch == [Failed(failure.problem)]
    assert http.calls == []


async def test_over_the_socket_ids_go_as_mentions() -> None:
    attached = [
        '{"event":{"type":"session.created"}}',
        '{"event":{"type":"conversation.attached","conversation":{"id":"c-1"}}}',
    ]
    done = '{"event":{"type":"response.done","response":{"id":"r","status":"completed"}}}'
    chunk = '{"event":{"type":"response.chunk","chunk":{"text":{"text":"Hi","channel":"CHANNEL_ASSISTANT_RESPONSE"}}}}'
    socket = FakeSocket(attached, {"response.create": [chunk, done]}, hangs=True)
    http = FakeHttp(FakeAnswer(pieces=[SESSION]))
    await told(grok(http, FakeUploader(), FakeSockets(socket), transport="ws"), task())
    put = next(json.loads(text) for text in socket.sent if "conversation.item.create" in text)
    item = put["event"]["item"]
    assert len(item["file_attachment_ids"]) == 2
    assert len(item["x_grok"]["input_chunks"]) == 3
