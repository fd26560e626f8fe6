"""Every word for pictures, films and files does what its row says, and faults of the way work there too."""

import base64

import pytest

from grok2api.simulator.faults import FAULTS
from media_asking import (
    PNG,
    create_post,
    drawn,
    edit,
    fetched,
    film,
    filmed,
    frames,
    imagining,
    round_of,
    upload,
    upload_form,
)
from simulated import ask, cookie


def statuses(told, status):
    return [message for message in told if message.get("current_status") == status]


def images(told):
    return [message for message in told if message["type"] == "image"]


def blob(message):
    return base64.b64decode(message["blob"].rpartition(",")[2])


#: On the imagine socket, asked for two pictures.
IMAGINE = {
    "withheld": ("withheld@1", lambda t: [one["moderated"] for one in statuses(t, "completed")] == [True, False]),
    "unfinished": ("unfinished bye", lambda t: (len(statuses(t, "completed")), t[-1]["moderated"]) == (1, False)),
    "slots": ("slots@1", lambda t: len(statuses(t, "start_stage")) == 1),
    "png": ("png", lambda t: blob(images(t)[-1]).startswith(b"\x89PNG")),
    "webp": ("webp", lambda t: blob(images(t)[-1])[8:12] == b"WEBP"),
    "shuffled": ("shuffled", lambda t: [one["order"] for one in statuses(t, "completed")] == [1, 0]),
    "url-only": ("url-only", lambda t: images(t) and not any("blob" in one for one in t)),
    "blob-uri": ("blob-uri", lambda t: images(t)[-1]["blob"].startswith("data:image/jpeg;base64,")),
    "relative": ("relative", lambda t: images(t)[0]["url"].startswith("users/") and "-part-0" in images(t)[0]["url"]),
    "job-names": ("job-names", lambda t: {"job_id", "grid_index"} <= set(t[0]) and "order" not in t[0]),
    "drop": ("drop@3", lambda t: len(images(t)) == 3 and not statuses(t, "completed")),
    "bye": ("bye@1", lambda t: len(images(t)) == 1),
    "error": ("error=8", lambda t: [(one["type"], one["err_code"]) for one in t] == [("error", "rate_limit_exceeded")]),
    "unknown": ("unknown", lambda t: t[0]["current_status"] == "something_new"),
    "429": ("429", lambda t: t[0]["err_code"] == "rate_limit_exceeded"),
    "403-anti-bot": ("403-anti-bot", lambda t: "anti-bot" in t[0]["err_msg"]),
    "403-moderated": ("403-moderated", lambda t: t[0]["err_msg"].startswith("content-moderated: ")),
}

#: In an edit that makes two pictures.
EDITS = {
    "withheld": ("withheld", lambda got: all(f["moderated"] and "imageUrl" not in f for f in finals(got))),
    "slots": ("slots@1", lambda got: len(finals(got)) == 1),
    "unfinished": ("unfinished@2", lambda got: not finals(got) and not whole(got)["fileAttachments"]),
    "no-final-frame": ("no-final-frame", lambda got: not finals(got) and len(whole(got)["generatedImageUrls"]) == 2),
    "no-urls": (
        "no-urls",
        lambda got: not whole(got)["generatedImageUrls"] and len(whole(got)["fileAttachments"]) == 2,
    ),
    "error": ("error@1=8", lambda got: len(drawn(got)) == 1 and got.lines[-1]["error"]["code"] == 8),
    "empty": ("empty", lambda got: not drawn(got)),
    "html": ("html", lambda got: got.body.startswith(b"<!DOCTYPE html>")),
    "drop": ("drop@2", lambda got: got.broke and len(drawn(got)) == 2),
}

#: In a film.
FILMS = {
    "withheld": ("withheld", lambda got: filmed(got)[-1]["moderated"] and "videoUrl" not in filmed(got)[-1]),
    "unfinished": ("unfinished", lambda got: filmed(got)[-1]["progress"] == 57),
    "no-final-frame": (
        "no-final-frame",
        lambda got: filmed(got)[-1]["progress"] == 57 and whole(got)["fileAttachments"],
    ),
    "no-film-url": ("no-film-url", lambda got: "videoUrl" not in filmed(got)[-1] and filmed(got)[-1]["assetId"]),
    "early-response": ("early-response", lambda got: b'"modelResponse"' in got.body.split(b'"progress":100')[0]),
    "error-late": ("error-late@2=8", lambda got: whole(got)["streamErrors"][0]["code"] == 8),
}


def finals(got):
    return [frame for frame in drawn(got) if frame["progress"] == 100]


def whole(got):
    return frames(got, "modelResponse")[-1]


#: On the endpoints that answer no question: the scenario's endpoint, the word, and what holds.
FILES = {
    "upload-ids": ("upload", "upload-ids@2", lambda told: "fileId" not in told and "fileMetadataId" not in told),
    "no-upload-path": ("upload", "no-upload-path", lambda told: "fileUri" not in told["fileMetadata"]),
    "terminal-error": ("upload", "terminal-error", lambda told: told["terminalError"] and not told["fileMetadata"]),
    "spelling": ("assets", "spelling@1", lambda told: set(told["items"][0]) >= {"id", "fileName", "filePath"}),
    "same-page": ("assets", "same-page", lambda told: told["nextPageToken"] == "0"),
}

ON_FILES = {
    "oversized": ("oversized@99", lambda got: got.body == PNG + b"\0" * 99),
    "html": ("html", lambda got: got.status == 200 and got.headers["Content-Type"].startswith("text/html")),
    "garbage": ("garbage", lambda got: got.body.startswith(b"{")),
    "eof": ("eof", lambda got: (got.status, got.body) == (200, b"")),
    "404": ("404", lambda got: got.status == 404),
    "cut": ("cut@5", lambda got: got.broke is not None and got.body == PNG[:5]),
}


@pytest.mark.parametrize("name", IMAGINE)
async def test_a_word_does_on_the_imagine_socket_what_its_row_says(simulator, name):
    written, holds = IMAGINE[name]
    prompt = " ".join(f"sim:{word}" for word in written.split())
    async with imagining(simulator) as socket:
        told = await round_of(socket, prompt=f"a lighthouse {prompt}")
    assert holds(told), told


@pytest.mark.parametrize("name", EDITS)
async def test_a_word_does_in_an_edit_what_its_row_says(simulator, name):
    got = await edit(simulator, f"Add a rainbow sim:{EDITS[name][0]}")
    assert EDITS[name][1](got), got.body


@pytest.mark.parametrize("name", FILMS)
async def test_a_word_does_in_a_film_what_its_row_says(simulator, name):
    got = await film(simulator, f"a cat sim:{FILMS[name][0]}")
    assert FILMS[name][1](got), got.body


@pytest.mark.parametrize("name", FILES)
async def test_a_word_does_to_uploads_and_lists_what_its_row_says(simulator, name):
    endpoint, word, holds = FILES[name]
    await upload(simulator)
    simulator.world.on(endpoint=endpoint, fault=word)
    got = await (
        upload_form(simulator) if endpoint == "upload" else ask("GET", f"{simulator.url}/rest/assets", cookie())
    )
    told = got.json
    if name == "upload-ids":
        assert told["uploadId"]
        told = told["fileMetadata"]
    assert holds(told), told


@pytest.mark.parametrize("name", ON_FILES)
async def test_a_word_does_to_a_download_what_its_row_says(simulator, name):
    path = (await upload(simulator)).json["fileUri"]
    simulator.world.on(endpoint="download", fault=ON_FILES[name][0])
    assert ON_FILES[name][1](await fetched(simulator, path))


@pytest.mark.parametrize("state", ["expired", "blocked", "challenged"])
async def test_an_account_that_is_not_well_is_told_so_everywhere(simulator, state):
    path = (await upload(simulator)).json["fileUri"]
    simulator.world.accounts["demo-super-1"].state = state
    expected = 401 if state == "expired" else 403
    for got in (
        await upload(simulator),
        await fetched(simulator, path),
        await ask("GET", f"{simulator.url}/rest/assets", cookie()),
        await create_post(simulator),
    ):
        assert got.status == expected


def test_every_row_for_media_is_exercised():
    rows = {name for name, row in FAULTS.items() if row.group == "media"} | {"drop", "bye", "oversized"}
    assert rows == rows & (set(IMAGINE) | set(EDITS) | set(FILMS) | set(FILES) | set(ON_FILES))
