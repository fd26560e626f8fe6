"""Uploads, the list of files, deletions and downloads: what is sent, and what every known answer means."""

import base64
import json
from email import message_from_bytes
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files import plain_file
from grok2api.canonical.media import Artifact
from grok2api.canonical.problem import Kind, Refusal
from grok2api.upstreams.base import Credential
from grok2api.upstreams.grok_web import assets_wire, media_post_wire
from grok2api.upstreams.grok_web.assets_wire import artifact_at, download_call, place_of, read_page, type_of
from grok2api.upstreams.grok_web.options import MediaOptions, WebOptions
from grok2api.upstreams.grok_web.upload_wire import read_upload, upload_call

ME = Credential("a-1", "tok.en", "u-123")
PLAIN = WebOptions(user_agent="UA", cookies="cf_clearance=x", headers={"x-statsig-id": "s"})
FORM = WebOptions(media=MediaOptions(upload="multipart"))
CALL_ID = "0b1e55ed-0000-4000-8000-000000000001"


def refused(call, *args, **more):
    with pytest.raises(Refusal) as caught:
        call(*args, **more)
    return caught.value.problem


# --- uploads


@given(st.integers(0, 500_000) | st.integers(196_600, 196_620), st.binary(min_size=1, max_size=300))
def test_a_file_goes_out_as_base64_in_one_object(size, seed):
    data = (seed * (size // len(seed) + 1))[:size]
    call = upload_call(plain_file('ph"oto\n.png', "image/png", data), ME, PLAIN, CALL_ID)
    body = json.loads(call.body.whole())
    assert len(call.body) == len(call.body.whole())
    assert (call.method, call.url) == ("POST", "https://grok.com/rest/app-chat/upload-file")
    assert base64.b64decode(body.pop("content"), validate=True) == data
    assert body == {"fileName": 'ph"oto\n.png', "fileMimeType": "image/png"}
    assert (call.account, call.headers["x-xai-request-id"]) == ("a-1", CALL_ID)


@pytest.mark.parametrize("name", ["photo.png", 'a"; filename="b.png', "zwei\r\nX-Evil: 1", "日本.png", "\ud800"])
@pytest.mark.parametrize("imagine", [False, True])
def test_a_file_goes_out_as_a_form_of_which_no_name_can_break_out(name, imagine):
    call = upload_call(plain_file(name, "image/png", b"\x89PNG\r\n--x\0"), ME, FORM, CALL_ID, imagine=imagine)
    assert call.url == "https://grok.com/http/upload-file-v2/direct"
    assert "x-xai-request-id" not in call.headers
    assert call.headers["Referer"] == ("https://grok.com/imagine" if imagine else "https://grok.com/")
    head = f"Content-Type: {call.headers['Content-Type']}\r\n\r\n".encode()
    parts = list(message_from_bytes(head + call.body.whole(), policy=HTTP).iter_parts())
    assert [part.get_param("name", header="content-disposition") for part in parts] == (
        ["file_source", "file"] if imagine else ["file"]
    )
    assert parts[-1].get_content_type() == "image/png"
    assert parts[-1].keys() == ["Content-Disposition", "Content-Type"]
    assert parts[-1].get_payload(decode=True) == b"\x89PNG\r\n--x\0"
    if imagine:
        assert parts[0].get_payload(decode=True) == b"IMAGINE_SELF_UPLOAD_FILE_SOURCE"


def test_a_name_with_half_a_character_is_sent_without_it():
    body = upload_call(plain_file("a\ud800.png", "image/png", b"x"), ME, PLAIN, CALL_ID).body.whole()
    assert json.loads(body)["fileName"] == "a?.png"


@pytest.mark.parametrize("mime", ["", "image", "image/png\r\nX: 1", "image/png; a=b"])
@pytest.mark.parametrize("options", [PLAIN, FORM])
def test_a_type_that_is_none_is_sent_as_bytes(mime, options):
    body = upload_call(plain_file("a", mime, b"x"), ME, options, CALL_ID).body.whole()
    assert b"application/octet-stream" in body
    assert b"X: 1" not in body


URI = "users/u-123/f1/content"
URL = f"https://assets.grok.com/{URI}"


@pytest.mark.parametrize(
    ("told", "ident", "url"),
    [
        ({"fileMetadataId": "f1", "fileId": "f2", "fileUri": URI}, "f1", URL),
        ({"fileId": "f2", "fileUri": URI}, "f2", URL),
        ({"fileId": "f2"}, "f2", ""),
        (
            {"uploadId": "u1", "terminalError": None, "fileMetadata": {"fileMetadataId": "f1", "fileUri": URI}},
            "f1",
            URL,
        ),
        ({"uploadId": "u1", "fileMetadata": {"fileMetadataId": 4}}, "u1", ""),
        ({"uploadId": "u1", "fileMetadata": None, "terminalError": {}}, "u1", ""),
        ({"fileId": "f2", "fileUri": "https://assets.grok.com/x"}, "f2", "https://assets.grok.com/x"),
    ],
)
def test_the_answer_to_an_upload_names_the_file(told, ident, url):
    reference = read_upload(json.dumps(told).encode(), PLAIN)
    assert (reference.id, reference.url) == (ident, url)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"terminalError":{"code":"INVALID_FILE","message":"no"},"fileMetadata":null}', Kind.UPSTREAM_INVALID),
        (b'{"terminalError":{"code":"content-moderated"}}', Kind.REFUSED),
        (b"{}", Kind.UPSTREAM),
        (b"[]", Kind.UPSTREAM),
        (b"", Kind.UPSTREAM),
        (b"<html>Just a moment...", Kind.CHALLENGE),
    ],
)
def test_an_upload_that_was_not_taken_says_why(body, kind):
    assert refused(read_upload, body, PLAIN).kind is kind


# --- hosts


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://assets.grok.com/users/u/a.jpg", "account"),
        ("https://imagine-public.x.ai/imagine-public/images/1.jpg", "public"),
        ("https://assets.grok.com", "elsewhere"),
        ("https://assets.grok.com.evil.example/users", "elsewhere"),
        ("https://assets.grok.com@evil.example/", "elsewhere"),
        ("https://evil.example/?https://assets.grok.com/", "elsewhere"),
        ("http://assets.grok.com/users", "elsewhere"),
        ("https://assets.grok.com:444/users", "elsewhere"),
        ("https://ASSETS.grok.com/users", "elsewhere"),
        ("https://assets.grok.com/us ers", "elsewhere"),
        ("https://assets.grok.com/a\r\nCookie: x", "elsewhere"),
        ("https://assets.grok.com\\@evil.example/", "elsewhere"),
        ("//assets.grok.com/users", "elsewhere"),
        ("https://assets.grok.com/ü", "elsewhere"),
        ("", "elsewhere"),
    ],
)
def test_I4_a_url_is_on_a_configured_host_or_elsewhere(url, place):
    assert place_of(url, PLAIN) == place
    if place == "elsewhere":
        problem = refused(download_call, Artifact(url=url), ME, PLAIN)
        assert (problem.kind, problem.code) == (Kind.UPSTREAM, "media_unavailable")


def test_where_both_hosts_are_one_the_public_path_is_public():
    options = WebOptions(assets_url="http://127.0.0.1:1", media=MediaOptions(public_url="http://127.0.0.1:1/public"))
    assert place_of("http://127.0.0.1:1/public/imagine-public/images/a.jpg", options) == "public"
    assert place_of("http://127.0.0.1:1/users/u/a.jpg", options) == "account"


@given(st.text(max_size=40))
def test_I4_nothing_but_the_two_addresses_is_ever_asked(text):
    for url in (text, f"https://{text}", f"https://assets.grok.com{text}"):
        if place_of(url, PLAIN) != "elsewhere":
            assert url.startswith("https://assets.grok.com/")


def test_I4_the_cookie_and_the_operators_headers_go_to_the_host_of_account_files_only():
    own = download_call(artifact_at("users/u/generated/a/image.jpg", "image", "a", PLAIN), ME, PLAIN)
    assert own.headers["Cookie"] == "sso=tok.en; sso-rw=tok.en; cf_clearance=x; x-userid=u-123"
    assert own.headers["x-statsig-id"] == "s"
    assert own.headers["Accept"].startswith("image/*")
    assert own.headers["Referer"] == "https://grok.com/"
    assert not {"Content-Type", "Origin", "x-xai-request-id"} & set(own.headers)
    public = artifact_at("https://imagine-public.x.ai/imagine-public/images/a.jpg", "image", "a", PLAIN)
    assert not public.bound
    assert not {"Cookie", "x-statsig-id", "Referer"} & set(download_call(public, ME, PLAIN).headers)


@pytest.mark.parametrize(
    ("url", "mime"),
    [
        ("https://h/a.JPG", "image/jpeg"),
        ("https://h/a.jpeg?x=.png", "image/jpeg"),
        ("a/generated_video.mp4?cache=1", "video/mp4"),
        ("https://h/content", ""),
    ],
)
def test_the_end_of_a_path_stands_for_a_type(url, mime):
    assert type_of(url) == mime


# --- lists


def test_a_list_is_asked_for_page_by_page():
    first = assets_wire.list_call("", ME, PLAIN, CALL_ID)
    assert first.url == (
        "https://grok.com/rest/assets?pageSize=50&orderBy=ORDER_BY_LAST_USE_TIME&source=SOURCE_ANY&isLatest=true"
    )
    assert first.headers["Referer"] == "https://grok.com/files"
    assert assets_wire.list_call("a&b", ME, PLAIN, CALL_ID).url.endswith("&pageToken=a%26b")
    deletion = assets_wire.delete_call("a/../b", ME, PLAIN, CALL_ID)
    assert (deletion.method, deletion.url) == ("DELETE", "https://grok.com/rest/assets-metadata/a%2F..%2Fb")


WHOLE = ("i", "n", "p", "image/png", 7, "2026")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (dict(zip(("assetId", "name", "key", "mimeType", "sizeBytes", "createTime"), WHOLE, strict=True)), WHOLE),
        (dict(zip(("id", "fileName", "filePath", "contentType", "fileSize", "createdAt"), WHOLE, strict=True)), WHOLE),
        (dict(zip(("id", "name", "file_path", "content_type", "size", "created_at"), WHOLE, strict=True)), WHOLE),
        ({"id": "i", "sizeBytes": "7"}, ("i", "", "", "", 7, "")),
        ({"id": "i", "sizeBytes": "many", "name": 4}, ("i", "", "", "", 0, "")),
        ({"id": "i", "sizeBytes": -1}, ("i", "", "", "", 0, "")),
        ({"id": "i", "sizeBytes": "9" * 5000}, ("i", "", "", "", 0, "")),
        ({"assetId": "", "id": "i"}, ("i", "", "", "", 0, "")),
    ],
)
@pytest.mark.parametrize("name", ["assets", "items"])
def test_a_file_is_read_in_every_spelling(name, item, expected):
    page = read_page(json.dumps({name: [item, {}, 1], "nextPageToken": "t"}).encode())
    [asset] = page.assets
    assert (asset.id, asset.name, asset.path, asset.mime, asset.size, asset.created_at) == expected
    assert page.following == "t"


@pytest.mark.parametrize("body", [b"{}", b'{"assets":[]}', b'{"assets":[],"nextPageToken":null}'])
def test_an_empty_list_is_a_list(body):
    assert read_page(body) == ([], "")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"x":1}', b'{"assets":{}}', b"<html>"])
def test_H3_what_is_no_list_is_not_an_empty_one(body):
    assert refused(read_page, body).kind is Kind.UPSTREAM


# --- results


@pytest.mark.parametrize(
    ("kind", "url", "told", "expected"),
    [
        ("image", "x/a.png", "image/jpeg", "image/jpeg"),
        ("image", "x/a.png", "IMAGE/PNG; charset=x", "image/png"),
        ("image", "x/a.png", "", "image/png"),
        ("image", "x/a.webp", "application/octet-stream", "image/webp"),
        ("image", "x/content", "binary/octet-stream", ""),
        ("video", "x/a.mp4", "video/mp4", "video/mp4"),
        ("video", "x/a.mp4", "text/html", None),
        ("image", "x/a.png", "application/json", None),
        ("video", "x/a.mp4", "image/jpeg", None),
        ("video", "x/a.jpg", "", None),
    ],
)
def test_I3_a_result_of_another_type_is_refused(kind, url, told, expected):
    headers = {"content-type": told} if told else {}
    if expected is None:
        assert refused(assets_wire.checked_type, kind, url, headers).code == "media_unavailable"
    else:
        assert assets_wire.checked_type(kind, url, headers) == expected


@pytest.mark.parametrize(("told", "length"), [("5", 5), ("10", 10), ("", None), ("x", None), ("²", None)])
def test_a_length_is_read_when_it_is_one(told, length):
    assert assets_wire.checked_length({"content-length": told}, 10) == length
    assert assets_wire.checked_length({"content-length": "99", "content-encoding": "gzip"}, 10) is None


@pytest.mark.parametrize("told", ["11", "0"])
def test_I3_a_result_that_says_it_is_too_long_or_nothing_is_refused(told):
    assert refused(assets_wire.checked_length, {"content-length": told}, 10).kind is Kind.UPSTREAM


@pytest.mark.parametrize("data", [b"<html>", b"  \n<!DOCTYPE", b'{"error":1}', b"\xef\xbb\xbf{"])
def test_I3_a_page_or_json_is_no_file(data):
    problem = refused(assets_wire.checked_beginning, data)
    assert (problem.code, problem.evidence) == ("media_unavailable", data)


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"\0\0\0 ftyp"])
def test_a_file_is_a_file(data):
    assets_wire.checked_beginning(data)


@pytest.mark.parametrize(
    ("status", "body", "bound", "kind"),
    [
        (404, b"", True, Kind.UPSTREAM),
        (403, b'{"error":"Forbidden"}', True, Kind.UPSTREAM),
        (429, b"", True, Kind.UPSTREAM),
        (302, b"", True, Kind.UPSTREAM),
        (206, b"", True, Kind.UPSTREAM),
        (401, b"bad-credentials", True, Kind.CREDENTIAL),
        (401, b"", True, Kind.UNAUTHORIZED),
        (401, b"", False, Kind.UPSTREAM),
        (403, b"<html>Just a moment", False, Kind.CHALLENGE),
        (503, b"", False, Kind.UPSTREAM_DOWN),
    ],
)
def test_I3_a_dead_result_blames_the_account_only_when_its_session_is_dead(status, body, bound, kind):
    problem = assets_wire.refused_download(status, {}, body, bound=bound)
    assert problem.kind is kind
    assert problem.upstream_status == status


# --- posts


def test_a_post_is_made_of_words_or_of_a_file():
    words = media_post_wire.create_call("video", ME, PLAIN, CALL_ID, prompt="a cat")
    assert words.url == "https://grok.com/rest/media/post/create"
    assert json.loads(words.body) == {"mediaType": "MEDIA_POST_TYPE_VIDEO", "prompt": "a cat"}
    assert words.headers["Referer"] == "https://grok.com/imagine"
    file = media_post_wire.create_call("image", ME, PLAIN, CALL_ID, media_url=URL)
    assert json.loads(file.body) == {"mediaType": "MEDIA_POST_TYPE_IMAGE", "mediaUrl": URL}
    assert media_post_wire.read_post(b'{"post":{"id":"9057","new":1}}') == "9057"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"post":{"id":""}}', b'{"post":[]}', b"<html>"])
def test_H3_an_answer_without_a_post_is_none(body):
    assert refused(media_post_wire.read_post, body).kind is Kind.UPSTREAM


def test_a_post_is_made_public_and_its_film_has_an_address_for_everybody():
    call = media_post_wire.share_call("9057", ME, PLAIN, CALL_ID)
    assert json.loads(call.body) == {"postId": "9057", "source": "post-page", "platform": "web"}
    assert call.headers["Referer"] == "https://grok.com/imagine/post/9057"
    assert media_post_wire.read_share(b'{"shareLink":"https://grok.com/imagine/post/9057"}').endswith("9057")
    assert media_post_wire.shared_film_url("9057", PLAIN) == (
        "https://imagine-public.x.ai/imagine-public/share-videos/9057.mp4?cache=1"
    )


def test_Z2_what_is_sent_and_fetched_does_not_show_itself():
    assert repr(plain_file("a.png", "image/png", b"secret")) == "Attachment(file, image/png, 'a.png', 6 bytes)"
    assert "secret" not in repr(Artifact(data=b"secret"))
