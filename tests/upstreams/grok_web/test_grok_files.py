"""Uploads, lists, deletions and downloads through the adapter, against the simulator and its faults."""

import asyncio

import pytest
from media_rig import IMAGE, LITE, ME, OTHER, VIDEO, artifacts, connected, fetch, make, sent

from fake_http import FakeAnswer, FakeHttp
from files import plain_file
from grok2api.canonical.media import Artifact, ImageRequest, VideoRequest
from grok2api.canonical.problem import Kind, Refusal
from grok2api.upstreams.base import TransportError
from grok2api.upstreams.grok_web.files_adapter import GrokFiles
from grok2api.upstreams.grok_web.options import MediaOptions, WebOptions
from grok2api.upstreams.grok_web.users import Users

FILE = plain_file("photo.png", "image/png", b"\x89PNG\r\n" + bytes(range(256)))
SESSION = b'{"status":"authenticated","session":{"userId":"u-9"}}'


async def problem_of(work):
    with pytest.raises((Refusal, TransportError)) as caught:
        await work
    return caught.value.problem


# --- uploads


@pytest.mark.parametrize("form", ["json", "multipart"])
@pytest.mark.parametrize("habit", [None, "upload-ids@1", "upload-ids@2", "no-upload-path", "unknown"])
async def test_a_file_is_sent_in_either_form_and_is_where_the_reference_says(simulator, form, habit):
    if habit == "upload-ids@2" and form == "json":
        habit = "upload-ids@1"
    if habit:
        simulator.world.on(endpoint="upload", fault=habit)
    async with connected(simulator, upload=form) as grok:
        reference = await grok.files.upload(ME, FILE, imagine=True)
        assert simulator.world.holdings.owns("demo-super-1", reference.id)
        artifact = Artifact(id=reference.id, url=reference.url)
        assert await fetch(grok, artifact) == FILE.data
    entry = simulator.world.journal.of("upload")[0]
    assert (entry.body["fileName"], entry.body["fileMimeType"]) == ("photo.png", "image/png")
    assert entry.headers["referer"] == f"{simulator.url}/imagine"
    assert len(simulator.world.journal.of("session")) == (habit == "no-upload-path")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("401", Kind.CREDENTIAL),
        ("403-challenge", Kind.CHALLENGE),
        ("413", Kind.TOO_LARGE),
        ("429=5", Kind.RATE_LIMITED),
        ("503", Kind.UPSTREAM_DOWN),
        ("terminal-error", Kind.UPSTREAM_INVALID),
        ("html", Kind.UPSTREAM),
        ("garbage", Kind.UPSTREAM),
        ("eof", Kind.UPSTREAM),
        ("cut@10", Kind.CUT),
        ("silent=30", Kind.TIMEOUT),
        ("silent-head=30", Kind.TIMEOUT),
    ],
)
async def test_an_upload_that_fails_says_whose_fault_it_was(simulator, fault, kind):
    simulator.world.on(endpoint="upload", fault=fault)
    patience = 0.2 if "silent" in fault else 10
    async with connected(simulator, upload="multipart", upload_timeout=patience) as grok:
        assert (await problem_of(grok.files.upload(ME, FILE))).kind is kind


async def test_no_more_uploads_than_allowed_go_on_at_once(simulator):
    simulator.world.on(endpoint="upload", fault="silent-head=0.05")
    async with connected(simulator, uploads_at_once=2) as grok:
        running = [asyncio.ensure_future(grok.files.upload(ME, FILE)) for _ in range(5)]
        most = 0
        while not all(one.done() for one in running):
            most = max(most, sum(one.ended == "open" for one in simulator.world.journal.of("upload")))
            await asyncio.sleep(0.005)
    assert len({one.result().id for one in running}) == 5
    assert most == 2


async def test_an_upload_that_fails_makes_room_for_the_next(simulator):
    simulator.world.on(endpoint="upload", fault="503", times=3)
    async with connected(simulator, uploads_at_once=1) as grok:
        for _ in range(3):
            assert (await problem_of(grok.files.upload(ME, FILE))).kind is Kind.UPSTREAM_DOWN
        async with asyncio.timeout(2):
            assert (await grok.files.upload(ME, FILE)).id


# --- lists


@pytest.mark.parametrize("spelling", [None, "spelling@1", "spelling@2"])
async def test_all_pages_of_a_list_are_read_in_every_spelling(simulator, spelling):
    if spelling:
        simulator.world.on(endpoint="assets", fault=spelling)
    async with connected(simulator) as grok:
        references = await sent(grok, 120)
        listed = await grok.files.assets(ME)
        assert await grok.files.assets(OTHER) == []
    assert [asset.id for asset in listed] == [reference.id for reference in references[::-1]]
    first = listed[-1]
    assert (first.name, first.mime, first.size) == ("0.png", "image/png", 6)
    assert references[0].url.endswith(first.path)
    assert len(simulator.world.journal.of("assets")) == 4


async def test_a_page_that_repeats_is_the_last(simulator):
    simulator.world.on(endpoint="assets", fault="same-page")
    async with connected(simulator) as grok:
        await sent(grok, 2)
        assert len(await grok.files.assets(ME)) == 2
    assert len(simulator.world.journal.of("assets")) == 2


async def test_a_file_is_deleted_and_one_that_is_gone_counts_as_deleted(simulator):
    async with connected(simulator) as grok:
        [reference] = await sent(grok)
        await grok.files.delete_asset(ME, reference.id)
        await grok.files.delete_asset(ME, reference.id)
        assert await grok.files.assets(ME) == []
        simulator.world.on(endpoint="asset_delete", fault="401")
        assert (await problem_of(grok.files.delete_asset(ME, "x"))).kind is Kind.CREDENTIAL
        simulator.world.on(endpoint="assets", fault="429")
        assert (await problem_of(grok.files.assets(ME))).kind is Kind.RATE_LIMITED


async def test_a_list_or_a_deletion_that_is_slow_is_given_up(simulator):
    async with connected(simulator, list_timeout=0.1, delete_timeout=0.1) as grok:
        [reference] = await sent(grok)
        simulator.world.on(endpoint="any", fault="silent-head=30")
        assert (await problem_of(grok.files.assets(ME))).kind is Kind.TIMEOUT
        assert (await problem_of(grok.files.delete_asset(ME, reference.id))).kind is Kind.TIMEOUT


# --- results


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("404", Kind.UPSTREAM),
        ("403", Kind.UPSTREAM),
        ("html", Kind.UPSTREAM),
        ("garbage", Kind.UPSTREAM),
        ("eof", Kind.UPSTREAM),
        ("oversized@100000", Kind.UPSTREAM),
        ("429", Kind.UPSTREAM),
        ("500", Kind.UPSTREAM_DOWN),
        ("401", Kind.CREDENTIAL),
        ("403-challenge", Kind.CHALLENGE),
        ("cut@100", Kind.CUT),
        ("reset@100", Kind.CUT),
        ("silent=30", Kind.TIMEOUT),
        ("silent-head=30", Kind.TIMEOUT),
    ],
)
@pytest.mark.parametrize(("model", "endpoint"), [(LITE, "download"), (IMAGE, "public")])
async def test_I3_a_result_that_is_dead_empty_or_no_file_is_never_taken_for_one(
    simulator, fault, kind, model, endpoint
):
    simulator.world.on(endpoint=endpoint, fault=fault)
    patience = 0.2 if "silent" in fault else 10
    async with connected(simulator, download_timeout=patience, largest_image=50_000) as grok:
        [artifact] = artifacts(await make(grok, ImageRequest(prompt="a cat"), model))
        problem = await problem_of(fetch(grok, artifact))
    assert problem.kind is (Kind.UPSTREAM if (endpoint, fault) == ("public", "401") else kind)
    assert (problem.code == "media_unavailable") == (problem.kind is Kind.UPSTREAM)


@pytest.mark.parametrize("length", [True, False])
async def test_I3_a_result_that_grows_too_large_is_cut_off(length):
    headers = {"content-type": "image/png"} | ({"content-length": "30"} if length else {})
    answer = FakeAnswer(pieces=[b"\x89PNG", b"x" * 10, b"x" * 10, b"x" * 6], headers=headers)
    files = made_of(FakeHttp(answer), largest_image=25)
    got: list[bytes] = []
    assert (await problem_of(whole(files, RESULT, got))).code == "media_unavailable"
    assert len(b"".join(got)) == (0 if length else 24)
    assert answer.closed


RESULT = Artifact(id="a", url="https://assets.grok.com/users/u/generated/a/image.png")


def made_of(http, **media):
    options = WebOptions(media=MediaOptions(**media))
    return GrokFiles(http, Users(http), lambda: options, lambda: "id")


async def test_I3_blank_bytes_are_no_file_and_a_page_behind_them_is_seen():
    for pieces in ([b" ", b"\n"], [b"", b" \n", b"<html>"], [b'  {"error":1}']):
        problem = await problem_of(whole(made_of(FakeHttp(FakeAnswer(pieces=pieces)))))
        assert problem.code == "media_unavailable"


async def whole(files, artifact=RESULT, into=None):
    async with files.download(ME, artifact) as download:
        async for piece in download.chunks():
            if into is not None:
                into.append(piece)


async def test_a_result_says_its_type_and_length_before_it_is_read():
    headers = {"content-type": "image/webp", "content-length": "8"}
    files = made_of(FakeHttp(FakeAnswer(pieces=[b"RIFF", b"WEBP"], headers=headers)))
    async with files.download(ME, RESULT) as download:
        assert (download.mime, download.length) == ("image/webp", 8)
        assert [piece async for piece in download.chunks()] == [b"RIFF", b"WEBP"]


@pytest.mark.parametrize("status", [301, 302, 307, 308, 206, 204])
async def test_I4_a_redirect_is_not_followed(status):
    http = FakeHttp(FakeAnswer(status, headers={"location": "http://169.254.169.254/"}))
    assert (await problem_of(whole(made_of(http)))).code == "media_unavailable"
    assert len(http.calls) == 1


@pytest.mark.parametrize("url", ["http://169.254.169.254/x.png", "https://assets.grok.com@evil.example/x.png", ""])
async def test_I4_nothing_is_sent_to_a_host_that_is_not_configured(url):
    http = FakeHttp()
    assert (await problem_of(whole(made_of(http), Artifact(url=url)))).code == "media_unavailable"
    assert http.calls == []


async def test_I4_no_cookie_comes_to_the_public_host(simulator):
    async with connected(simulator) as grok:
        for artifact in artifacts(await make(grok, ImageRequest(prompt="a cat", n=2), IMAGE)):
            await fetch(grok, artifact)
    entries = simulator.world.journal.of("public")
    assert [entry.notes for entry in entries] == [[], []]
    assert not any("cookie" in entry.headers for entry in entries)


async def test_leaving_a_download_closes_the_connection(simulator):
    simulator.world.on(endpoint="download", fault="oversized@60000000")
    async with connected(simulator) as grok:
        [artifact] = artifacts(await make(grok, ImageRequest(prompt="a cat"), LITE))
        async with grok.files.download(ME, artifact) as download:
            async for _ in download.chunks():
                break
        entry = await simulator.world.journal.wait(lambda one: one.endpoint == "download" and one.ended != "open")
    assert entry.ended == "disconnected"


async def test_a_file_of_another_account_is_not_to_be_had(simulator):
    async with connected(simulator) as grok:
        [artifact] = artifacts(await make(grok, ImageRequest(prompt="a cat"), LITE))
        problem = await problem_of(fetch(grok, artifact, OTHER))
    assert (problem.kind, problem.upstream_status) == (Kind.UPSTREAM, 403)


async def test_a_large_file_arrives_whole(simulator):
    large = plain_file("large.png", "image/png", b"\x89PNG" + bytes(2_000_003))
    for form in ("json", "multipart"):
        async with connected(simulator, upload=form) as grok:
            reference = await grok.files.upload(ME, large)
            assert await fetch(grok, Artifact(id=reference.id, url=reference.url)) == large.data


async def test_a_film_that_is_shared_opens_without_a_cookie(simulator):
    async with connected(simulator) as grok:
        [film] = artifacts(await make(grok, VideoRequest(prompt="a cat"), VIDEO))
        shared = await grok.files.share(ME, film.id)
        assert not shared.bound
        assert await fetch(grok, shared, OTHER) == await fetch(grok, film)
        assert (await problem_of(grok.files.share(OTHER, film.id))).kind is Kind.NOT_FOUND
    assert not any("cookie" in entry.headers for entry in simulator.world.journal.of("public"))


async def test_the_users_id_is_asked_for_where_no_path_is_told():
    http = FakeHttp(FakeAnswer(pieces=[b'{"fileId":"f-1"}']), FakeAnswer(pieces=[SESSION]))
    reference = await made_of(http).upload(ME, FILE)
    assert reference.url == "https://assets.grok.com/users/u-9/f-1/content"
