"""The parts of which messages and results in a Responses `input` are made.

Promises one canonical part for each, or a 400 that names the part's `type`: words of a conversation are
never dropped. Pictures and sounds stay the URLs they are; nobody fetches anything here.
"""

from collections.abc import Callable, Mapping

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import File, Image, Part, Text
from grok2api.dialects import attached
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
    return attached.picture(holder, key, item.text("detail"))


def _file(item: Object) -> File:
    return attached.document(item, "file_url")


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
    "input_audio": attached.sound,
}
