"""The parts of which messages and results in a Responses `input` are made.

Promises one canonical part for each, or a 400 that names the part's `type`: words of a conversation are
never dropped. Pictures and sounds stay the URLs they are; nobody fetches anything here.
"""

from collections.abc import Callable, Mapping

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import File, Image, Part, Text
from grok2api.dialects.reading import Object


def read_parts(item: Object, key: str) -> tuple[Part, ...]:
    """`item[key]`: a string, or an array of parts."""
    value = item.raw.get(key)
    if value is None:
        raise item.missing(key)
    if type(value) is str:
        return (Text(value),)
    if type(value) is not list:
        raise item.wrong(key, "a string or an array of parts", value)
    return tuple(_part(part) for part in item.objects(key))


def _part(item: Object) -> Part:
    read = _PARTS.get(item.need_text("type"))
    if read is None:
        raise invalid(f"{item.at('type')} must be one of {', '.join(_PARTS)}", item.at("type"))
    return read(item)


def _text(item: Object) -> Text:
    return Text(item.need_text("text"))


def _refusal(item: Object) -> Text:
    return Text(item.need_text("refusal"))


def picture(item: Object) -> Image:
    """An image part; `image_url` may also be an object, as in chat completions."""
    holder, key = item, "image_url"
    if type(item.raw.get(key)) is dict:
        holder, key = Object(item.raw[key], item.at(key)), "url"
    if holder is item and not item.has(key) and item.has("file_id"):
        raise invalid(
            f"{item.at('file_id')} cannot be used for a picture: send it in image_url",
            item.at("file_id"),
            code="unsupported_parameter",
        )
    return Image(_url(holder, key), item.text("detail"))


def _url(item: Object, key: str) -> str:
    url = item.need_text(key)
    if url[:8].lower().startswith(("http://", "https://")) or (url.startswith("data:") and ";base64," in url[:256]):
        return url
    raise invalid(f"{item.at(key)} must be an http(s) URL or a data:<mime>;base64, URI", item.at(key))


def _file(item: Object) -> File:
    name, file_id, data = item.text("filename"), item.text("file_id"), item.text("file_data")
    if data is not None:
        url: str | None = data if data.startswith("data:") else f"data:application/octet-stream;base64,{data}"
    else:
        url = _url(item, "file_url") if item.has("file_url") else None
    if url is None and file_id is None:
        raise item.missing("file_data")
    return File(url=url, name=name, file_id=file_id)


def _audio(item: Object) -> File:
    sound = item.child("input_audio")
    if sound is None:
        raise item.missing("input_audio")
    kind = sound.text("format", longest=32) or "wav"
    return File(url=f"data:audio/{kind};base64,{sound.need_text('data')}", kind="audio")


_PARTS: Mapping[str, Callable[[Object], Part]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "summary_text": _text,
    "reasoning_text": _text,
    "refusal": _refusal,
    "input_image": picture,
    "computer_screenshot": picture,
    "input_file": _file,
    "input_audio": _audio,
}
