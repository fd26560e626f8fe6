"""How dialects read the pictures, sounds and files that a request brings: by URL, as a data URI, as bare base64.

Promises a part that knows the field it came from, or a 400 that names it. The text of a large file is not copied, and
nothing is decoded or fetched here: whether the bytes are what they should be is found out when they are needed.
"""

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import File, Image, Inline
from grok2api.dialects.reading import Object
from grok2api.media.datauri import BadData, read

_WEB = ("http://", "https://")


def picture(item: Object, key: str, detail: str | None = None) -> Image:
    """A picture by URL or data URI."""
    return Image(located(item, key), detail, item.at(key))


def located(item: Object, key: str) -> str | Inline:
    """An http(s) URL, or the inline bytes of a data URI."""
    text = item.need_text(key)
    if text[:8].lower().startswith(_WEB):
        return text
    if text[:5].lower() == "data:":
        return _data_uri(item, key, text)
    raise invalid(f"{item.at(key)} must be an http(s) URL or a data:<mime>;base64, URI", item.at(key))


def encoded(item: Object, key: str, mime: str = "") -> Inline:
    """Bare base64 of the type `mime`, or a data URI, which says its own."""
    text = item.need_text(key)
    return _data_uri(item, key, text) if text[:5].lower() == "data:" else Inline(text, mime)


def sound(item: Object) -> File:
    """OpenAI's `input_audio`."""
    holder = item.child("input_audio")
    if holder is None:
        raise item.missing("input_audio")
    kind = holder.text("format", longest=32) or "wav"
    return File(encoded(holder, "data", f"audio/{kind}"), kind="audio", path=holder.at("data"))


def document(holder: Object, url_key: str = "") -> File:
    """OpenAI's file: its data, where `url_key` is given a URL, or the id of a stored one."""
    name = holder.text("filename")
    if holder.has("file_data"):
        return File(encoded(holder, "file_data"), name, path=holder.at("file_data"))
    if url_key and holder.has(url_key):
        return File(located(holder, url_key), name, path=holder.at(url_key))
    if holder.has("file_id"):
        return File(None, name, holder.need_text("file_id"), path=holder.at("file_id"))
    raise holder.missing("file_data")


def _data_uri(item: Object, key: str, text: str) -> Inline:
    try:
        mime, start = read(text)
    except BadData as error:
        raise invalid(f"{item.at(key)} {error}", item.at(key)) from None
    return Inline(text, mime, start)
