"""`/v1/videos`: orders of films as JSON or as a form, and films as OpenAI's SDKs read them.

Pure. Both forms of an order come to the same value; a wrong field is a 400 that names it as the client wrote it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from grok2api.canonical.choices import (
    DEFAULT_VIDEO_SIZE,
    VIDEO_PRESETS,
    VIDEO_RESOLUTIONS,
    VIDEO_SECONDS,
)
from grok2api.canonical.film import Film, Status
from grok2api.canonical.problem import Refusal, invalid
from grok2api.canonical.request import Image, Inline
from grok2api.dialects.attached import located
from grok2api.dialects.multipart import Field
from grok2api.dialects.multipart import parse as parse_form
from grok2api.dialects.reading import Object
from grok2api.dialects.reading import parse as parse_json
from grok2api.dialects.shooting import shot

MODEL = "grok-imagine-video"
MOST_PICTURES = 7
_LONGEST_PROMPT = 32_000

REFERENCE = "input_reference"
_KNOWN = frozenset({"model", "prompt", "seconds", "size", "resolution_name", "preset", REFERENCE, "user"})
#: How forms write a list, and a member of what is in it.
_REFERENCE = re.compile(r"input_reference(\[\d*\])?(\[(image_url|url|file_id)\])?\Z")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What was ordered. `ignored` are fields without effect, by the client's names."""

    model: str
    prompt: str
    seconds: int
    size: str
    resolution: str
    preset: str
    pictures: tuple[Image, ...] = ()
    ignored: tuple[str, ...] = ()

    def digest(self) -> str:
        """What an order is told by: equal for equal orders, in whichever form they came."""
        known = hashlib.sha256()
        for value in (self.model, self.prompt, str(self.seconds), self.size, self.resolution, self.preset):
            known.update(f"{len(value)}:{value}".encode("utf-8", "surrogatepass"))
        for picture in self.pictures:
            known.update(hashlib.sha256(_named(picture)).digest())
        return known.hexdigest()


def _named(picture: Image) -> bytes:
    source = picture.source.text if isinstance(picture.source, Inline) else picture.source
    return source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")


# --- orders --------------------------------------------------------------------------------------


def decode_json(body: bytes) -> Order:
    """The order in a JSON body. Raises `Refusal`."""
    asked = parse_json(body)
    return _order(asked, list(_in_json(asked)))


def decode_form(body: bytes, content_type: str) -> Order:
    """The order in a form. Raises `Refusal`."""
    values: dict[str, Any] = {}
    pictures: list[Image] = []
    for field in parse_form(body, content_type):
        if _REFERENCE.match(field.name):
            pictures.append(_in_form(field, len(pictures)))
        elif field.filename is not None:
            raise invalid(f"{field.name} is a file; pictures go into {REFERENCE}", field.name)
        elif field.name in values:
            raise invalid(f"{field.name} is there twice", field.name)
        else:
            values[field.name] = field.text or None
    return _order(Object(values, ""), pictures)


def _order(asked: Object, pictures: Sequence[Image]) -> Order:
    prompt = asked.need_text("prompt", longest=_LONGEST_PROMPT)
    if not prompt.strip():
        raise invalid("prompt is empty", "prompt")
    if len(pictures) > MOST_PICTURES:
        path = pictures[MOST_PICTURES].path
        raise invalid(f"{path} is one picture too many: a film takes {MOST_PICTURES}", path, code="too_many_files")
    wanted = shot(asked)
    return Order(
        model=asked.text("model") or MODEL,
        prompt=prompt,
        seconds=wanted.seconds or VIDEO_SECONDS[0],
        size=wanted.size or DEFAULT_VIDEO_SIZE,
        resolution=wanted.resolution or VIDEO_RESOLUTIONS[0],
        preset=wanted.preset or VIDEO_PRESETS[0],
        pictures=tuple(pictures),
        ignored=tuple(name for name in asked.raw if name not in _KNOWN and asked.has(name)),
    )


def _in_json(asked: Object) -> Iterator[Image]:
    """A URL or data URI, `{"image_url": …}`, or a list of them."""
    for key in (REFERENCE, f"{REFERENCE}[]"):
        given = asked.raw.get(key)
        listed = given if isinstance(given, list) else [] if given is None else [given]
        for number, value in enumerate(listed):
            path = f"{key}.{number}" if isinstance(given, list) else key
            yield _located(value, path)


def _located(value: Any, path: str) -> Image:
    if isinstance(value, dict):
        inner = Object(value, path)
        if inner.has("file_id") and not inner.has("image_url"):
            raise _no_files(inner.at("file_id"))
        key = "image_url" if inner.has("image_url") or not inner.has("url") else "url"
        url = inner.raw.get(key)
        return _located(url, inner.at(key)) if isinstance(url, dict) else Image(located(inner, key), None, path)
    if not isinstance(value, str):
        raise invalid(f"{path} must be a URL, a data URI, or an object with image_url", path)
    # `located` reads a member of an object: the value is one, under the last name of its path.
    folder, _, name = path.rpartition(".")
    return Image(located(Object({name: value}, folder), name), None, path)


def _in_form(field: Field, number: int) -> Image:
    if "[file_id]" in field.name:
        raise _no_files(field.name)
    if field.filename is not None:
        return Image(field.data, None, field.name)
    return _located(field.text, field.name)


def _no_files(path: str) -> Refusal:
    return invalid(
        f"{path} names a stored file, but no files are stored here: send the picture itself",
        path,
        code="unsupported_parameter",
    )


# --- films ---------------------------------------------------------------------------------------


def video(film: Film, url: str | None) -> dict[str, Any]:
    """A film as clients see it; `url` is where it opens once it is complete."""
    told: dict[str, Any] = {
        "id": film.id,
        "object": "video",
        "created_at": int(film.created_at),
        "status": film.status.value,
        "model": film.model,
        "progress": film.progress,
        "prompt": film.prompt,
        "seconds": str(film.seconds),
        "size": film.size,
        "quality": "standard",
    }
    if film.completed_at is not None:
        told["completed_at"] = int(film.completed_at)
    if film.status is Status.COMPLETED and url is not None:
        told["video_url"] = url
    if film.status is Status.FAILED:
        told["error"] = {"code": film.error_code, "message": film.error_message}
    return told


def page(films: Iterable[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """A page of films."""
    data = list(films)
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return {"object": "list", "data": data, **ends, "has_more": more}


def deleted(ident: str) -> dict[str, Any]:
    """What is said of a film that is gone."""
    return {"id": ident, "object": "video.deleted", "deleted": True}
