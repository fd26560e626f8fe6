"""A request for pictures, from bytes to `Request`: JSON for both endpoints, and a form with files for edits.

Promises that every field of the API is read, that what Grok cannot do is refused (a mask) or reported (`given`), and
that an error names the field as the client spelled it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import Drawing, Image, Message, Request, Role, Text
from grok2api.dialects import multipart
from grok2api.dialects.attached import picture
from grok2api.dialects.drawing import MOST_PREVIEWS, inline
from grok2api.dialects.reading import Object, parse

Endpoint = Literal["generations", "edits"]

LONGEST_PROMPT = 32_000

#: Parameters that are read and have no effect, with the values that ask for nothing.
_IDLE: Mapping[str, tuple[Any, ...]] = {
    "quality":            ("auto", "standard"),
    "style":              ("vivid",),
    "background":         ("auto", "opaque"),
    "moderation":         ("auto",),
    "output_format":      (),
    "output_compression": (100,),
    "input_fidelity":     ("low",),
}  # fmt: skip

_FILES = ("image", "image[]", "images", "images[]")
_NUMBERS = ("n", "partial_images", "output_compression")
_FLAGS = {"true": True, "false": False, "1": True, "0": False}

#: In the user agent of a client that reads files only, and asks for them only sometimes.
_READS_FILES = "ai-sdk"


def decode(body: bytes, headers: Mapping[str, str], endpoint: Endpoint) -> Request:
    """The request in `body`. Raises `Refusal` naming the field at fault."""
    content_type = headers.get("content-type", "")
    if endpoint == "edits" and multipart.is_form(content_type):
        fields = multipart.parse(body, content_type)
        top = Object(dict(_values(fields)), "")
        request = _request(top, endpoint, _sent([field for field in fields if _is_picture(field)]))
        return _as_read(request, headers)
    top = parse(body)
    request = _request(top, endpoint, tuple(_named(top)) if endpoint == "edits" else ())
    return _as_read(request, headers)


def _as_read(request: Request, headers: Mapping[str, str]) -> Request:
    """The request, with the form of answer that its client can read where it names none."""
    drawing = request.drawing
    if drawing is None or drawing.inline is not None or _READS_FILES not in headers.get("user-agent", "").lower():
        return request
    return msgspec.structs.replace(request, drawing=msgspec.structs.replace(drawing, inline=True))


def _request(top: Object, endpoint: Endpoint, pictures: Sequence[Image]) -> Request:
    model = top.need_text("model", longest=256)
    prompt = top.need_text("prompt", longest=LONGEST_PROMPT)
    if not prompt.strip():
        raise invalid("prompt must not be empty", "prompt")
    if top.has("mask"):
        message = "A mask is not possible: describe in the prompt what shall change and what shall stay"
        raise invalid(message, "mask", code="unsupported_parameter")
    size = "size" if top.has("size") else "aspect_ratio"
    drawing = Drawing(
        n=top.whole("n"),
        size=top.text(size),
        inline=inline(top),
        previews=top.whole("partial_images", 0, MOST_PREVIEWS) or 0,
        endpoint=endpoint,
    )
    return Request(
        model=model,
        messages=(Message(Role.USER, (Text(prompt), *pictures), "prompt"),),
        stream=top.flag("stream") or False,
        user=top.text("user"),
        sticky=top.text("user"),
        drawing=drawing,
        given={name: name for name, idle in _IDLE.items() if top.has(name) and top.raw[name] not in idle},
    )


# --- pictures in JSON


def _named(top: Object) -> Iterator[Image]:
    """`image` or `images`: a URL or data URI, an object that holds one, or an array of these."""
    for key in ("image", "images"):
        value = top.raw.get(key)
        if value is None:
            continue
        items = value if type(value) is list else [value]
        for index, item in enumerate(items):
            path = f"{key}.{index}" if items is value else key
            yield _one(item, path)


def _one(item: Any, path: str) -> Image:
    if type(item) is str:
        holder, _, key = path.rpartition(".")
        return picture(Object({key: item}, holder), key)
    if type(item) is not dict:
        raise invalid(f"{path} must be a URL, a data URI or an object with one", path)
    member = Object(item, path)
    name = next((name for name in ("image_url", "url") if member.has(name)), None)
    if name is None:
        raise member.missing("url")
    return _one(item[name], member.at(name)) if type(item[name]) is dict else picture(member, name)


# --- a form


def _is_picture(field: multipart.Field) -> bool:
    return field.name in _FILES or (field.name.startswith("image[") and field.name.endswith("]"))


def _sent(fields: Sequence[multipart.Field]) -> tuple[Image, ...]:
    """The files of a form; one that holds an address instead is taken for that."""
    found = []
    for index, field in enumerate(fields):
        path = field.name if len(fields) == 1 else f"image.{index}"
        found.append(_one(field.text, path) if field.filename is None else Image(field.data, path=path))
    return tuple(found)


def _values(fields: Sequence[multipart.Field]) -> Iterator[tuple[str, Any]]:
    """The fields that are no pictures, as JSON would have them."""
    seen = set()
    for field in fields:
        if _is_picture(field):
            continue
        if field.name in seen:
            raise invalid(f"The field {field.name[:64]!r} appears twice", field.name[:64], code="duplicate_key")
        seen.add(field.name)
        if field.filename is not None:
            yield field.name, field.filename or "file"
        elif field.text:
            yield field.name, _value(field.name, field.text)


def _value(name: str, text: str) -> Any:
    if name in _NUMBERS:
        try:
            return int(text)
        except ValueError:
            raise invalid(f"{name} must be an integer", name) from None
    if name == "stream":
        return _FLAGS.get(text.lower(), text)
    return text
