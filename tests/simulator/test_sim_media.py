"""Uploads, files, posts, edits, films and the imagine socket: recorded shapes, and the checks of the real hosts."""

import base64
import json
from urllib.parse import urlsplit

import aiohttp
import pytest

from grok2api.simulator import samples
from grok2api.simulator.script import Film, Picture, Script
from grok2api.simulator.world import World, WorldOptions
from media_asking import (
    PNG,
    begin_round,
    converse,
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
from simulated import ask, chat, cookie, post, said, simulating


@pytest.mark.parametrize("sent", [upload, upload_form])
async def test_an_upload_is_a_file_of_the_account_with_ids_and_a_path(simulator, sent):
    told = (await sent(simulator)).json
    file = told.get("fileMetadata", told)
    user = simulator.world.accounts["demo-super-1"].user_id
    assert file["fileMetadataId"] == file["fileId"]
    assert file["fileUri"] == f"users/{user}/{file['fileId']}/content"
    got = await fetched(simulator, file["fileUri"])
    assert (got.status, got.body, got.headers["Content-Type"]) == (200, PNG, "image/png")
    assert simulator.world.journal.of("upload")[0].body["bytes"] == len(PNG)


async def test_the_newer_upload_tells_an_upload_id_and_notes_its_source(simulator):
    told = (await upload_form(simulator, file_source="IMAGINE_SELF_UPLOAD_FILE_SOURCE")).json
    assert (told["terminalError"], told["uploadId"]) == (None, told["fileMetadata"]["fileId"])
    assert simulator.world.journal.of("upload")[0].body["file_source"] == "IMAGINE_SELF_UPLOAD_FILE_SOURCE"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"fileName": "a", "fileMimeType": "image/png", "content": "%%%"}, 400),
        ({"fileName": "a", "fileMimeType": "image/png", "content": ""}, 400),
        ({"fileName": "a", "content": "QUJD"}, 400),
        (b"nothing", 400),
    ],
)
async def test_a_broken_upload_is_refused(simulator, body, status):
    assert (await post(f"{simulator.url}/rest/app-chat/upload-file", body, cookie())).status == status


async def test_a_form_without_a_file_is_refused(simulator):
    url = f"{simulator.url}/http/upload-file-v2/direct"
    got = await post(url, b"a=b", {**cookie(), "Content-Type": "application/x-www-form-urlencoded"})
    assert got.status == 400


async def test_a_file_is_served_to_its_owner_only(simulator):
    path = (await upload(simulator)).json["fileUri"]
    statuses = [(await fetched(simulator, path, token)).status for token in ("demo-super-1", "demo-super-2", None)]
    assert statuses == [200, 403, 403]
    assert (await fetched(simulator, "users/nobody/1/content")).status == 404


async def test_an_attached_file_must_be_the_accounts_own(simulator):
    ident = (await upload(simulator)).json["fileMetadataId"]
    own = await chat(simulator, "[user]: what is this?", fileAttachments=[ident])
    assert f"It came with a.png (image/png, {len(PNG)} bytes)." in said(own)
    for token, file in (("demo-super-2", ident), ("demo-super-1", "nonsense")):
        got = await chat(simulator, "[user]: what is this?", token=token, fileAttachments=[file])
        assert (got.status, got.json["code"]) == (404, 5)


async def test_files_are_listed_in_pages_the_newest_first_and_deleted(simulator):
    idents = [(await upload(simulator, name=f"{number}.png")).json["fileId"] for number in range(5)]
    url, listed, token = f"{simulator.url}/rest/assets?pageSize=2", [], ""
    while True:
        page = (await ask("GET", f"{url}&pageToken={token or 0}", cookie())).json
        listed += page["assets"]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert [one["assetId"] for one in listed] == idents[::-1]
    assert {"assetId", "name", "key", "mimeType", "sizeBytes", "createTime"} == set(listed[0])
    for status in (200, 404):
        assert (await ask("DELETE", f"{simulator.url}/rest/assets-metadata/{idents[0]}", cookie())).status == status
    other = await ask("DELETE", f"{simulator.url}/rest/assets-metadata/{idents[1]}", cookie("demo-super-2"))
    assert other.status == 404
    assert len(simulator.world.holdings.of("demo-super-1")) == 4


@pytest.mark.parametrize("query", ["pageSize=0", "pageSize=x", "pageSize=101", "pageToken=x"])
async def test_a_page_that_cannot_be_is_refused(simulator, query):
    assert (await ask("GET", f"{simulator.url}/rest/assets?{query}", cookie())).status == 400


async def test_a_drawing_in_the_chat_is_kept_for_the_account(simulator):
    got = await chat(simulator, "Drawing: a cat", mode="fast")
    cards = [json.loads(card["jsonData"])["image_chunk"] for card in frames(got, "cardAttachment")]
    paths = [card["imageUrl"] for card in cards if card["progress"] == 100]
    files = [await fetched(simulator, path) for path in paths]
    assert [file.status for file in files] == [200, 200]
    assert files[0].body != files[1].body
    step = await fetched(simulator, next(card["imageUrl"] for card in cards if card["progress"] == 33))
    assert (step.status, step.body) == (200, samples.preview(cards[0]["imageUuid"], 0).data)


async def test_an_edit_tells_progress_and_its_results_belong_to_the_account(simulator):
    got = await edit(simulator)
    final = [frame for frame in drawn(got) if frame.get("isFinal")]
    assert [(frame["imageIndex"], frame["progress"]) for frame in final] == [(0, 100), (1, 100)]
    assert [frame["progress"] for frame in drawn(got) if frame["imageIndex"] == 1] == [25, 60, 100]
    whole = frames(got, "modelResponse")[0]
    assert whole["generatedImageUrls"] == [frame["imageUrl"] for frame in final]
    assert whole["fileAttachments"] == [frame["assetId"] for frame in final]
    assert (await fetched(simulator, final[0]["imageUrl"])).body == samples.picture(final[0]["imageId"]).data
    user = simulator.world.accounts["demo-super-1"].user_id
    assert (await fetched(simulator, f"users/{user}/{final[0]['assetId']}/content")).status == 200
    assert simulator.world.journal.of("edit")[0].account == "demo-super-1"


async def test_the_newer_edit_takes_files_by_their_ids_and_makes_one(simulator):
    ident = (await upload(simulator)).json["fileId"]
    given = {"imageToImage": {"prompt": "Add", "inputAssets": [ident], "aspectRatio": "1:1"}}
    body = {"modelName": "imagine-image-edit", "message": "Add", "mediaGenInput": given}
    url = f"{simulator.url}/rest/app-chat/conversations/new"
    assert len([frame for frame in drawn(await post(url, body, cookie())) if frame.get("isFinal")]) == 1
    assert (await post(url, body, cookie("demo-super-2"))).status == 404
    given["imageToImage"]["inputAssets"] = []
    assert (await post(url, body, cookie())).status == 400


async def test_an_edit_of_anothers_picture_or_without_a_post_is_not_found(simulator):
    uri = (await upload(simulator, token="demo-super-2")).json["fileUri"]
    parent = (await create_post(simulator)).json["post"]["id"]
    for config, status in (
        ({"imageReferences": [f"https://assets.grok.com/{uri}"], "parentPostId": parent}, 404),
        ({"imageReferences": ["https://example.org/"], "parentPostId": parent}, 404),
        ({"imageReferences": [], "parentPostId": parent}, 400),
        ({"imageReferences": ["x"], "parentPostId": "nothing"}, 404),
    ):
        assert (await converse(simulator, "imagine-image-edit", "Add", config)).status == status
    body = {"modelName": "imagine-image-edit", "message": "Add"}
    assert (await post(f"{simulator.url}/rest/app-chat/conversations/new", body, cookie())).status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"mediaType": "MEDIA_POST_TYPE_AUDIO"}, 400),
        ({"prompt": ""}, 400),
        ({"mediaUrl": "https://assets.grok.com/users/u/1/content"}, 404),
    ],
)
async def test_a_post_is_checked(simulator, body, status):
    assert (await create_post(simulator, **body)).status == status


async def test_a_film_tells_progress_and_plays_for_its_owner(simulator):
    got = await film(simulator)
    steps = filmed(got)
    assert [step["progress"] for step in steps] == [1, 33, 57, 100]
    assert {step["videoPostId"] for step in steps} == {steps[0]["videoId"]}
    last = steps[-1]
    assert last["resolutionName"] == "720p"
    file = await fetched(simulator, last["videoUrl"])
    assert (file.headers["Content-Type"], file.body[4:8]) == ("video/mp4", b"ftyp")
    assert (await fetched(simulator, last["thumbnailImageUrl"])).headers["Content-Type"] == "image/jpeg"
    assert (await fetched(simulator, last["videoUrl"], "demo-super-2")).status == 403
    assert frames(got, "modelResponse")[0]["fileAttachments"] == [last["assetId"]]


def extension(post_id, film_id, start, **more):
    return {
        "isVideoExtension": True,
        "videoExtensionStartTime": start,
        "extendPostId": film_id,
        "stitchWithExtendPostId": True,
        "originalPostId": post_id,
        "parentPostId": post_id,
        **more,
    }


async def test_a_film_is_extended_only_by_its_account_and_from_its_very_end(simulator):
    parent = (await create_post(simulator)).json["post"]["id"]
    first = filmed(await film(simulator, parentPostId=parent))[-1]["videoPostId"]
    second = await film(simulator, **extension(parent, first, 6.041667, videoLength=10))
    third = filmed(second)[-1]["videoPostId"]
    assert (await film(simulator, **extension(parent, third, 16.041667))).status == 200
    for config, token, status in (
        (extension(parent, first, 6.0), "demo-super-1", 400),
        (extension(parent, third, 10.041667), "demo-super-1", 400),
        (extension(parent, "nothing", 6.041667), "demo-super-1", 404),
        (extension(parent, first, 6.041667, originalPostId="x"), "demo-super-1", 404),
        (extension(parent, first, 6.041667), "demo-super-2", 404),
    ):
        assert (await film(simulator, token=token, **config)).status == status
    assert simulator.world.journal.of("video")[1].notes == ["the Referer of an extension is not its post"]


@pytest.mark.parametrize("config", [{"videoLength": 7}, {"aspectRatio": "7:1"}, {"resolutionName": "8k"}])
async def test_a_film_of_an_unknown_shape_is_refused(simulator, config):
    assert (await film(simulator, **config)).status == 400


@pytest.mark.parametrize("duration", [1, 15, 0, 16, "6", True])
async def test_the_newer_film_has_any_length_up_to_fifteen_seconds(simulator, duration):
    inner = {"prompt": "a cat", "aspectRatio": "9:16", "duration": duration, "resolutionName": "480p"}
    body = {"modelName": "imagine-video-gen", "message": "a cat", "mediaGenInput": {"textToVideo": inner}}
    got = await post(f"{simulator.url}/rest/app-chat/conversations/new", body, cookie())
    assert got.status == (200 if duration in (1, 15) and duration is not True else 400)


async def test_the_newer_film_from_a_picture_wants_the_accounts_own(simulator):
    ident = (await upload(simulator)).json["fileId"]
    inner = {"prompt": "a", "aspectRatio": "9:16", "duration": 6, "resolutionName": "480p", "inputAssets": [ident]}
    url = f"{simulator.url}/rest/app-chat/conversations/new"
    for given, token, status in (
        ({"imageToVideo": inner}, "demo-super-1", 200),
        ({"imageToVideo": inner}, "demo-super-2", 404),
        ({"textToVideo": inner}, "demo-super-1", 400),
        ({"musicToVideo": inner}, "demo-super-1", 400),
    ):
        body = {"modelName": "imagine-video-gen", "message": "a", "mediaGenInput": given}
        assert (await post(url, body, cookie(token))).status == status


async def test_a_shared_film_opens_for_everybody_and_an_unshared_one_for_nobody(simulator):
    ident = filmed(await film(simulator))[-1]["videoPostId"]
    path = f"{simulator.url}/public/imagine-public/share-videos/{ident}.mp4?cache=1"
    assert (await ask("GET", path)).status == 404
    share = f"{simulator.url}/rest/media/post/create-link"
    body = {"postId": ident, "source": "post-page", "platform": "web"}
    assert (await post(share, body, cookie("demo-super-2"))).status == 404
    assert (await post(share, body, cookie())).json["shareLink"].endswith(ident)
    assert (await ask("GET", path)).body == samples.film(ident).data
    await ask("GET", path, cookie())
    assert simulator.world.journal.of("public")[-1].notes == ["a cookie came to the public host"]


async def test_a_round_starts_improves_and_completes_every_slot_and_the_socket_serves_the_next(simulator):
    async with imagining(simulator) as socket:
        for _ in range(2):
            told = await round_of(socket)
            assert [message.get("current_status", "image") for message in told] == [
                *["start_stage"] * 2,
                *["image"] * 4,
                *["image", "completed"] * 2,
            ]
    final = told[-2]
    assert (final["percentage_complete"], final["width"], final["height"]) == (100.0, 832, 1248)
    assert final["url"].startswith(f"{simulator.url}/public/imagine-public/images/{told[-1]['image_id']}.jpg")
    assert base64.b64decode(final["blob"]) == samples.picture(told[-1]["image_id"]).data
    assert (await ask("GET", final["url"])).body == base64.b64decode(final["blob"])
    entries = simulator.world.journal.of("imagine")
    assert [(entry.ended, entry.notes) for entry in entries] == [("complete", [])] * 2


@pytest.mark.parametrize(
    ("properties", "slots"),
    [
        ({"num_generations": 3}, 3),
        ({"num_generations": None}, 6),
        ({"num_generations": None, "enable_pro": True}, 4),
    ],
)
async def test_a_round_has_as_many_slots_as_asked_or_as_is_usual(simulator, properties, slots):
    async with imagining(simulator) as socket:
        told = await round_of(socket, **properties)
    assert sum(message.get("current_status") == "start_stage" for message in told) == slots


async def test_what_is_no_request_is_an_error_message(simulator):
    async with imagining(simulator) as socket:
        for text in ("{", '{"item":{}}', '{"item":{"content":[{"type":"dance"}]}}'):
            await socket.send_str(text)
            assert (await socket.receive_json(timeout=2))["type"] == "error"
        assert (await round_of(socket, aspect_ratio="7:1"))[0]["err_code"] == "invalid_request"
        assert (await round_of(socket, prompt=" "))[0]["type"] == "error"


async def test_a_second_request_in_a_round_is_an_error_and_the_round_goes_on(simulator):
    simulator.world.on(endpoint="imagine", fault="pause@1=0.05")
    async with imagining(simulator) as socket:
        await begin_round(socket)
        told = await round_of(socket)
        assert told[-1] == {"type": "error", "err_code": "invalid_request", "err_msg": "A round is under way."}


async def test_a_caller_who_leaves_in_a_round_is_noticed(simulator):
    simulator.world.on(endpoint="imagine", fault="pause@1=30")
    async with imagining(simulator) as socket:
        await begin_round(socket)
        await socket.receive(timeout=2)
    entry = await simulator.world.journal.wait(lambda one: one.endpoint == "imagine" and one.ended != "open")
    assert entry.ended == "disconnected"


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_handshake_is_refused_when_a_scenario_says_so(simulator, status):
    simulator.world.on(endpoint="imagine_handshake", fault=str(status))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with imagining(simulator):
            pass
    assert refused.value.status == status


async def test_a_handshake_wants_a_known_cookie(simulator):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with imagining(simulator, "nobody"):
            pass
    assert refused.value.status == 401


async def test_a_script_says_what_a_run_makes(simulator):
    simulator.world.on(endpoint="media", script=Script(steps=(Picture(form="png"), Film(progress=(9,)))))
    assert [frame["progress"] for frame in filmed(await film(simulator))] == [9]
    async with imagining(simulator) as socket:
        told = await round_of(socket)
    assert told[-2]["url"].endswith(".png")


async def test_files_stay_right_when_answers_are_sent_in_one_write():
    async with simulating(World(options=WorldOptions(burst=True))) as running:
        for _ in range(2):
            final = filmed(await film(running))[-1]
            assert (await fetched(running, final["videoUrl"])).status == 200


async def test_resetting_the_world_forgets_files(simulator):
    path = (await upload(simulator)).json["fileUri"]
    await post(f"{simulator.url}/_sim/reset", {})
    assert (await fetched(simulator, path)).status == 404
    assert urlsplit(simulator.settings["upstream.web.public_url"]).path == "/public"
