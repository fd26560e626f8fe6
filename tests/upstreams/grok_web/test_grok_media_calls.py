"""What is sent for a drawing, an edit and a film, in both forms, against the recorded bodies."""

import itertools
import json

import pytest

from grok2api.canonical.choices import VIDEO_PRESETS, VIDEO_SECONDS
from grok2api.canonical.media import Checkpoint, EditRequest, VideoRequest
from grok2api.upstreams.base import Credential
from grok2api.upstreams.grok_web.edit_wire import direct_edit_call, edit_call, placed
from grok2api.upstreams.grok_web.lite_wire import lite_call
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.video_wire import (
    PRESETS,
    SEGMENTS,
    direct_film_call,
    extension_call,
    film_call,
    span,
)
from grok2api.upstreams.media import FileRef

ME = Credential("a-1", "tok.en")
OPTIONS = WebOptions()
SOURCES = (FileRef("f1", "https://assets.grok.com/users/u/f1/content"), FileRef("f2", "https://assets.grok.com/f2"))
FILM = VideoRequest(prompt="a cat playing piano")


def body(call):
    assert (call.method, call.url, call.account) == (
        "POST",
        "https://grok.com/rest/app-chat/conversations/new",
        "a-1",
    )
    assert call.headers["Content-Type"] == "application/json"
    return json.loads(call.body)


def config(call):
    return body(call)["responseMetadata"]["modelConfigOverride"]["modelMap"]


def test_a_drawing_is_a_chat():
    sent = body(lite_call("a cat", "fast", ME, OPTIONS, "id"))
    assert (sent["modeId"], sent["message"]) == ("fast", "Drawing: a cat")
    assert (sent["enableImageGeneration"], sent["imageGenerationCount"], sent["fileAttachments"]) == (True, 2, [])


def test_an_edit_in_the_older_form_is_the_recorded_body():
    call = edit_call(EditRequest(prompt="Add a rainbow"), SOURCES[:1], "9057-0001", ME, OPTIONS, "id")
    assert body(call) == {
        "temporary": True, "modelName": "imagine-image-edit", "message": "Add a rainbow",
        "enableImageGeneration": True, "enableImageStreaming": True, "imageGenerationCount": 2,
        "returnImageBytes": False, "returnRawGrokInXaiRequest": False, "forceConcise": False,
        "enableSideBySide": True, "forceSideBySide": False, "sendFinalMetadata": True,
        "isReasoning": False, "disableTextFollowUps": True, "disableMemory": True,
        "responseMetadata": {"modelConfigOverride": {"modelMap": {
            "imageEditModel": "imagine",
            "imageEditModelConfig": {
                "imageReferences": ["https://assets.grok.com/users/u/f1/content"],
                "parentPostId": "9057-0001"}}}},
    }  # fmt: skip
    assert call.headers["Referer"] == "https://grok.com/imagine/post/9057-0001"


def test_an_edit_in_the_newer_form_is_the_recorded_body():
    call = direct_edit_call(EditRequest(prompt="Add a rainbow"), SOURCES, ME, OPTIONS, "id")
    assert body(call) == {
        "modelName": "imagine-image-edit", "message": "Add a rainbow", "enableImageStreaming": True,
        "enableSideBySide": True, "sendFinalMetadata": True,
        "mediaGenInput": {"imageToImage": {
            "prompt": "Add a rainbow", "inputAssets": ["f1", "f2"], "aspectRatio": "1:1"}},
    }  # fmt: skip
    assert call.headers["Referer"] == "https://grok.com/imagine"


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("put @IMAGE1 on @image2", "put @f1 on @f2"),
        ("@IMAGE3 @IMAGE0 @IMAGE @IMAGE12", "@IMAGE3 @IMAGE0 @IMAGE @IMAGE12"),
        ("@IMAGE1@IMAGE1.", "@f1@f1."),
        ("@IMAGE1x", "@IMAGE1x"),
    ],
)
def test_a_prompt_counts_the_pictures(prompt, expected):
    assert placed(prompt, SOURCES) == expected
    call = edit_call(EditRequest(prompt=prompt), SOURCES, "p", ME, OPTIONS, "id")
    assert body(call)["message"] == expected


def test_a_film_in_the_older_form_is_the_recorded_body():
    call = film_call(FILM, 6, (), "9057-0002", ME, OPTIONS, "id")
    assert body(call) == {
        "temporary": True, "modelName": "imagine-video-gen",
        "message": "a cat playing piano --mode=custom",
        "enableSideBySide": True,
        "responseMetadata": {"experiments": [], "modelConfigOverride": {"modelMap": {
            "videoGenModelConfig": {
                "parentPostId": "9057-0002", "aspectRatio": "9:16",
                "videoLength": 6, "resolutionName": "720p"}}}},
    }  # fmt: skip
    assert call.headers["Referer"] == "https://grok.com/imagine"


def test_a_film_of_pictures_names_them():
    told = config(film_call(FILM, 10, SOURCES, "p", ME, OPTIONS, "id"))["videoGenModelConfig"]
    assert told["imageReferences"] == [source.url for source in SOURCES]
    assert (told["isReferenceToVideo"], told["isVideoEdit"], told["videoLength"]) == (True, False, 10)


def test_an_extension_is_the_recorded_body():
    so_far = Checkpoint(started=1, finished=1, post="9057-0002", film="71de-1", seconds=6)
    call = extension_call(FILM, 6, so_far, ME, OPTIONS, "id")
    assert config(call) == {"videoGenModelConfig": {
        "isVideoExtension": True, "videoExtensionStartTime": 6.041667,
        "extendPostId": "71de-1", "stitchWithExtendPostId": True,
        "originalPrompt": "a cat playing piano", "originalPostId": "9057-0002",
        "originalRefType": "ORIGINAL_REF_TYPE_VIDEO_EXTENSION", "mode": "custom",
        "aspectRatio": "9:16", "videoLength": 6, "resolutionName": "720p",
        "parentPostId": "9057-0002", "isVideoEdit": False}}  # fmt: skip
    assert call.headers["Referer"] == "https://grok.com/imagine/post/9057-0002"


def test_a_film_in_the_newer_form_is_the_recorded_body():
    call = direct_film_call(FILM, 6, (), ME, OPTIONS, "id")
    assert body(call) == {
        "modelName": "imagine-video-gen", "message": "a cat playing piano --mode=custom",
        "enableImageStreaming": True, "enableSideBySide": True, "sendFinalMetadata": True,
        "kind": "CONVERSATION_KIND_IMAGINE",
        "responseMetadata": {"experiments": [], "modelConfigOverride": {"modelMap": {}}},
        "mediaGenInput": {"textToVideo": {"prompt": "a cat playing piano", "aspectRatio": "9:16",
                                          "duration": 6, "resolutionName": "720p"}},
    }  # fmt: skip
    given = body(direct_film_call(FILM, 12, SOURCES, ME, OPTIONS, "id"))["mediaGenInput"]["imageToVideo"]
    assert (given["inputAssets"], given["duration"]) == (["f1", "f2"], 12)


@pytest.mark.parametrize("preset", VIDEO_PRESETS)
def test_a_preset_has_its_word_upstream(preset):
    request = VideoRequest(prompt="a", preset=preset, ratio="1:1", resolution="480p")
    call = film_call(request, 6, (), "p", ME, OPTIONS, "id")
    assert body(call)["message"] == f"a --mode={PRESETS[preset]}"
    told = config(call)["videoGenModelConfig"]
    assert (told["aspectRatio"], told["resolutionName"]) == ("1:1", "480p")
    so_far = Checkpoint(started=1, finished=1, seconds=6)
    assert (
        config(extension_call(request, 6, so_far, ME, OPTIONS, "id"))["videoGenModelConfig"]["mode"] == PRESETS[preset]
    )


@pytest.mark.parametrize("form", SEGMENTS)
def test_segments_add_up_to_the_length_and_each_can_be_made(form):
    assert tuple(SEGMENTS[form]) == VIDEO_SECONDS
    for seconds, lengths in SEGMENTS[form].items():
        assert sum(lengths) == seconds
        assert set(lengths[1:]) <= {6, 10}
        assert lengths[0] in ({6, 10} if form == "posts" else range(1, 16))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_parts_of_progress_join(count):
    spans = [span(finished, count) for finished in range(count)]
    assert spans[0][0] == 0
    assert spans[-1][1] == 100
    assert all(one[1] == following[0] for one, following in itertools.pairwise(spans))
